"""HTTP of operations that have URLs of their own: `/v1/context/…`, `/v1/rag/…`, `/v1/workflows/…`; each is one, through the one door."""
