"""How a connection comes to be: asked for, authorized, given by key, kept."""
