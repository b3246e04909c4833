"""A provider of models for trying things out: it answers without a key, and misbehaves as the model's name asks."""
