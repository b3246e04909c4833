"""Whole copies of a store: taken while it is used, checked, put back, and closed to whoever was in before."""
