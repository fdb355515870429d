"""Rules of decision, ours and peers', against sources of latencies whose truth is known."""

import os

# Each process computes alone: threads of linear algebra would only get in each other's way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
