"""Answers of upstreams that are used again: how long they are good for, and for whom."""
