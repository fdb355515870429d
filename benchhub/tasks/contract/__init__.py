"""What labels are and how outputs are read: said in `[data]`, or found where there is one way."""
