"""A kept whole answer as the events of a stream, so that a hit is what a miss would have been."""
