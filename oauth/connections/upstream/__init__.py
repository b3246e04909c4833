"""The provider as an authorization server: its metadata, our registration there, its token endpoint."""
