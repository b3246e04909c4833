"""`ascend audit …`: who did what, and whether the catalogue keeps its rules."""
