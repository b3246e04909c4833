"""A stand-in for Gong's API v2: calls, their details and transcripts, with its limits, cursors and delays."""
