"""`ascend calls`, `trace`, `errors`, `usage`: what has happened, from the command line."""
