"""Answers in pages: where the next one is, and how several become one."""
