"""Two runs, two models, or a suite's runs, held against each other; pure."""
