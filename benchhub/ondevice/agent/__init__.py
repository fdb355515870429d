"""The process that holds a device's lease, and starts one child a launch."""
