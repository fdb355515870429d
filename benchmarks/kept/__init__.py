"""What reading a large store costs, beside the commit that the fleet's figures were seen at."""
