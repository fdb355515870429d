"""A user's own cases, in one or two NumPy archives."""
