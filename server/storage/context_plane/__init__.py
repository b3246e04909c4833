"""What `tools.context_plane` must remember, in SQL."""
