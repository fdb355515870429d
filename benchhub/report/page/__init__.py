"""The HTML report as one page: what its template is filled with, and what waits packed."""
