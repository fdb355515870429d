"""What a report shows as tables of text, and as sentences; formats lay them out."""
