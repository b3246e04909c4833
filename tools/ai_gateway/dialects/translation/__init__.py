"""One dialect in, another out."""
