"""Reports that somebody published, read as what a stranger wrote."""
