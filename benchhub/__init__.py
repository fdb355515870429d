"""Measure compressed model variants across devices and compare them, quality loss included."""

__version__ = "0.1.0"
