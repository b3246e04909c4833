"""What the configuration may say, a file a section: frozen dataclasses that pydantic checks where a document comes in."""
