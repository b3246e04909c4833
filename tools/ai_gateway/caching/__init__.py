"""Answers that are kept: for whom, for how long, and how they come back."""
