"""Devices at work side by side, each in rounds of launches."""
