"""What a cell of a report opens: its launches, how long calls took, and where it all came from."""
