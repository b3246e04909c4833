"""The HTTP face of the AI gateway: OpenAI's, Anthropic's and Cloudflare's URLs under `/v1`."""
