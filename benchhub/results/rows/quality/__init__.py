"""What outputs are worth: judged by a metric, with limits of it and of what is lost."""
