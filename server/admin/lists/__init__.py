"""What addresses ask of lists, and how lists are given: spans, filters, cursors, and rows as programs read them."""
