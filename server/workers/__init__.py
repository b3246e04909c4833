"""Several processes that are one gateway: a supervisor that keeps them alive, and workers that answer."""
