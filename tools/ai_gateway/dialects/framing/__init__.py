"""How answers are cut into events, and how a value is put into a body without writing it anew."""
