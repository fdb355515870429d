"""Public keys on both sides: whom to trust, and what to show of oneself."""
