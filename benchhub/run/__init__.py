"""A run from request to record; its modules are the steps, in the order of the README's picture."""
