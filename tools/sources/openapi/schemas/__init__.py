"""Schemas of documents as JSON Schema 2020-12: converted, bounded, branches kept apart."""
