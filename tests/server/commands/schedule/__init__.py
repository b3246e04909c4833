"""Tests of `ascend schedule`."""
