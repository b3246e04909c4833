"""Durable workflows: declared steps that run to their end, whatever dies in between (context contract §4).

workflow   a name, a version and a body           run      what a body does its work through
stores     the port `Workflows`, and what is shown of a run
The engine behind the port is DBOS, in `server.storage.workflows`; nothing of it is imported where no run, schedule or webhook exists.
"""
