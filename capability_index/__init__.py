"""Which operation fits an intent."""
