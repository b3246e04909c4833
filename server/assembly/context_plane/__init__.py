"""The context plane put together: facts, documents, and what models do for both."""
