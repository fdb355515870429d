"""Devices of another site, asked through its gateway: both ends, and dask between them."""
