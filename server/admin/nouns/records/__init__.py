"""What has happened: calls and their errors, uses, decisions, changes."""
