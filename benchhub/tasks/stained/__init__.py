"""Stained tissue: how it is drawn, its nuclei, and how nuclei found are matched with true ones."""
