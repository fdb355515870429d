"""Nuclei in stained tissue, told apart and typed: PanNuke's layout, a phantom, bPQ and mPQ."""
