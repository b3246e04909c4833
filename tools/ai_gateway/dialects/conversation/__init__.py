"""What all dialects can say, said one way: a request, its answer, and the events of a stream."""
