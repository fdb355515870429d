"""Ten thousand devices at twenty sites: service times measured here, the rest simulated."""
