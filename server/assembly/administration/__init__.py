"""The administration put together: its nouns, and the two faces that show them."""
