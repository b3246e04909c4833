"""Documents in SQL: what was uploaded, what waits to be read, and the text and chunks that were made of it."""
