"""Fourteen findings in frontal chest radiographs: a phantom, or a copy of ChestX-ray14."""
