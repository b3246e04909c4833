"""Answers that are kept: what may be, for whom, and where."""
