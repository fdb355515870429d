"""Which variant to ship on which device, under which limits, and what that rests on."""
