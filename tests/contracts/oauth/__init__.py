"""What stores of the authorization server, of people, of secrets and connections promise."""
