"""Connections, framing and limits: the only folder that knows uvicorn."""
