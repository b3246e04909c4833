"""What somebody should know at once: rules over sums, states, and messages to whoever is on call (decision 0069)."""
