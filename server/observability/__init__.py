"""What operators see: health, metrics, one log line and one span a call."""
