"""From the record to rows, verdicts and answers; pure but for what loads the record."""
