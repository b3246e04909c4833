"""Documents that an operator applies whole: read, checked, told apart, kept as versions; what they say is their owners' affair."""
