"""Tests of tools.workflows.schedules."""
