"""From candidates to an order: scores, confidence, reasons, what use has taught."""
