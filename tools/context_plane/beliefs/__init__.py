"""From what was said to what is believed: a pure function, and the difference that it makes on record."""
