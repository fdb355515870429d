"""What a store knows of devices beside what they measured."""
