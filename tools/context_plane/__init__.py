"""What is known about whom, since when and from where, and documents that answer with citations; per tenant, without any model."""
