"""Durable workflows: declared steps that run to their end, whatever dies in between (context contract §4).

workflow   a name, a version and a body           run      what a body does its work through
stores     the port `Workflows`, and what is shown of a run
registry   which workflows there are              engine   takes runs that are due, and runs them
"""
