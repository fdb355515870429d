"""Metrics and predictions of the user's own: functions in a file beside the suite."""
