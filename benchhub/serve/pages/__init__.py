"""Pages, a module for what each is about; those that change by themselves are in `live.py`, too."""
