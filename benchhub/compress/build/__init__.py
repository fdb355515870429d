"""Variants made by recipes, each once, and kept by content."""
