"""Tests of the context plane."""
