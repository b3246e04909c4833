"""The guide for agents' authors, played against a real gateway and two small services."""
