"""Parts of pages that have to be computed; imported by the process beside the server alone."""
