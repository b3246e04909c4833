"""What a provider needs to be looked after in a folder of its own, begun from its OpenAPI document."""
