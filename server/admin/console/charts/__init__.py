"""Pictures of figures, drawn here: SVG of classes alone, said in words, with the same numbers in a table."""
