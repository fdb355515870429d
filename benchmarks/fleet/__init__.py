"""What many devices cost the controller: 10, 100, 1,000 simulated ones, and real SSH hosts."""
