"""The gate's answer in four formats."""
