"""What a device is, and the state it is in now."""
