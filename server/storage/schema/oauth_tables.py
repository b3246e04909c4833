"""Tables of oauths."""
