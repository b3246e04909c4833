"""Workers AI's /ai/run."""
