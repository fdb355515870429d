"""What is made of the rows of a run: comparisons, charts and files."""
