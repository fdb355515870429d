"""Which packages make a backend on a device, and how they get there."""
