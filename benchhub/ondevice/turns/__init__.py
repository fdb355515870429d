"""Who measures on a device now, who comes next, and for whom it is kept."""
