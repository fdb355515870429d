"""A recommendation as people and programs read it."""
