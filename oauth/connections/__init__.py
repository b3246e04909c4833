"""Third-party accounts: we are the client."""
