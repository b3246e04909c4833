"""The one way out: every byte to another host passes this guard."""
