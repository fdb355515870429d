"""What models are called with where there is no suite: given, or made to fit their signature."""
