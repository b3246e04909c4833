"""What Claude Code and Codex send, by programs that take their settings from where these do."""
