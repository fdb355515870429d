"""What a page that is open for hours asks a store for: often, and so without any array."""
