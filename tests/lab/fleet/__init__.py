"""Two sites with a gateway each on this machine: scheduler, certificates, results server."""
