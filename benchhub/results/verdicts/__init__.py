"""Rows held against budgets; pure."""
