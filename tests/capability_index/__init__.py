"""Tests of capability_index."""
