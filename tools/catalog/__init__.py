"""Which operations there are, what they are called, and how they are found."""
