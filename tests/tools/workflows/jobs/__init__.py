"""Tests of tools.workflows.jobs."""
