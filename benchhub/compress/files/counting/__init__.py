"""What a model costs by its graph: multiply-accumulates and weights, or what cannot be told."""
