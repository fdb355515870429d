"""Verbs that show results to others, or run those of others again."""
