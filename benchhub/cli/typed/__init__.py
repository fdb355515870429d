"""What is typed: examples of every verb, and what is said of words that a verb does not take."""
