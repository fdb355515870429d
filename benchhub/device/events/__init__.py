"""What a device sends, checked before anything uses it: typed, bounded, in order, plausible."""
