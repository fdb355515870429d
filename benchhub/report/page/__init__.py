"""The HTML report as one page: what its template is filled with, drawn at once or when asked for."""
