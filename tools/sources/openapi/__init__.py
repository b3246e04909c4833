"""OpenAPI documents read: from text to operations."""
