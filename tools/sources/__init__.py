"""Where operations come from, and how each kind is run."""
