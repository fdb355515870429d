"""Isolated environments on a device: made, listed, removed."""
