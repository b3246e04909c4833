"""Who clients are and how they prove it."""
