"""What a run shows, kept in its store and computed again only where something changed."""
