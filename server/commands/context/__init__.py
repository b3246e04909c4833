"""`ascend context`: what is known, from the command line."""
