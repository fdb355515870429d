"""The way to a device over SSH, as the user's own OpenSSH would go."""
