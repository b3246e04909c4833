"""What stores of durable work promise."""
