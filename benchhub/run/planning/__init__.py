"""From what is asked to cells: which there are, on what inputs, and how many launches each gets."""
