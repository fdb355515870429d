"""What the command line prints to a terminal."""
