"""What one visit to each station of a fleet takes: measured on this machine, written as JSON."""
