"""What users write: suites, profiles and requests; the only reader of their files."""
