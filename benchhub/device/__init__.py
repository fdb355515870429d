"""Reaching devices: transports, host keys, staging of blobs, and the session with the agent."""
