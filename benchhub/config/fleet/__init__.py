"""Many devices: groups of one kind in a fleet file, and choosing among all that are known."""
