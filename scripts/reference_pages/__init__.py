"""The reference pages: each module makes some of them from the tables of the code."""
