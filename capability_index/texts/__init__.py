"""Rows of text, facts and passages: how they are built, limited by their columns, and ranked."""
