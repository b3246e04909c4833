"""The engine of durable work: takes runs that are due, runs their bodies, and records each step before the next begins (decision 0058).

run_store       what the engine keeps, and the fence of everything that a process writes of a run
engine          takes runs, shares its places fairly, takes over from processes that are silent
execution       one run in hand: until it ends, waits, or is somebody else's
durable_run     what the body sees: `Run`
"""
