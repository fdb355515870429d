"""What a device is to hold: files by their content, and how they get there."""
