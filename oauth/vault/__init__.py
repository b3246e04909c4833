"""The only code that opens secrets."""
