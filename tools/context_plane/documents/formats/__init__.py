"""One file a format. They run in a child process only (tools/context_plane/documents/parser_child.py): others wrote what they read."""
