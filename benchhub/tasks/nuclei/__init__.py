"""Every nucleus in stained tissue, by two branches and a watershed: a phantom, MoNuSeg or TNBC."""
