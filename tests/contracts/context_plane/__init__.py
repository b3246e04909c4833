"""What stores of the context plane promise."""
