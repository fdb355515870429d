"""Whether a report's figures and claims came out again: pure, of two reports."""
