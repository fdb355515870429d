"""What is wrong with a device, why it matters, and the line that mends it."""
