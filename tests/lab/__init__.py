"""Real SSH hosts in network namespaces of this machine, and what can go wrong with them."""
