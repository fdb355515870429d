"""A page over the store for browsers: what goes on, and what was found; it reads, and hardly more.

The server itself reads lists and signs of life. What has to be computed is computed by the code of
the command line, in one process beside it: `computed/`.
"""
