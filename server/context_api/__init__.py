"""HTTP of the context plane: `/v1/context/…` and `/v1/rag/…`, each URL one operation through the one door."""
