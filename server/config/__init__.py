"""What an operator can set: declared once, a file a section; read once at start into frozen settings."""
