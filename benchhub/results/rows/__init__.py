"""From launches to one row a cell; pure."""
