"""The record of runs: every launch with its raw samples, in SQLite or another SQL database."""

from benchhub.store.store import Store

__all__ = ["Store"]
