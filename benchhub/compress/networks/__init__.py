"""PyTorch networks: trained, pruned, made narrower."""
