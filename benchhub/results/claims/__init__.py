"""Claims of papers held against the rows of a run; pure. See docs/claims.md."""
