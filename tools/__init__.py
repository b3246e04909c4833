"""Find out what may run, run it, record it."""
