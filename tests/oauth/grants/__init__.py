"""The grants, each by its own rules."""
