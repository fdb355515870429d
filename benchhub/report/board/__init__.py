"""A board of many runs: static pages, downloads and the record that it is made of again; pure."""
