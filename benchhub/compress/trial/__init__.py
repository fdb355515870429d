"""What a recipe wrote is loaded and called once, in a process that may end in any way."""
