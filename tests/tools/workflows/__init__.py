"""Tests of tools.workflows."""
