"""OpenAI's chat completions, and the many who speak like it."""
