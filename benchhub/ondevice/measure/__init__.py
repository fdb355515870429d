"""One launch from the inside: a fresh process that loads one backend and measures one cell."""
