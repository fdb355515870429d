"""What `import benchhub` offers: `bench`, `run` and `load`, which the command line calls, too."""

from benchhub.api.functions import bench, load, run
from benchhub.api.results import RunResults

__all__ = ["RunResults", "bench", "load", "run"]
