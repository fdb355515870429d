"""The answer of a report: what to ship where, as a sentence, lines of devices and a heat map."""
