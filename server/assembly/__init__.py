"""What the gateway is made of, put together: one file for each part."""
