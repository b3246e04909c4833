"""Values held against JSON Schema: what is wrong with them, said so that it can be mended."""
