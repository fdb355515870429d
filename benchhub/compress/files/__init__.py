"""Model files: what is in them, without a runtime."""
