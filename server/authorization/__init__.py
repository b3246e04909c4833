"""HTTP of the authorization server: one file an endpoint."""
