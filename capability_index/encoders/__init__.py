"""From text to vectors: the word table, an endpoint, sentence-transformers."""
