"""A PostgreSQL server of the tests' own: a throw-away cluster, started and ended by its process."""
