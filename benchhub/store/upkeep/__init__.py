"""What is done to a store as a whole: its schema, copies, checks, and what of it may go."""
