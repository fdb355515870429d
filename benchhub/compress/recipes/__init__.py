"""The recipes: functions that write a variant's file."""
