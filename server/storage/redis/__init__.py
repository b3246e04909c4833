"""What several nodes share in microseconds, in Redis or Valkey: each part has a local half that stands in for it (decision 0078)."""
