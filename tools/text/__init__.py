"""Text at the edges: in which charset bytes are, characters that are halves, secrets that nobody should read."""
