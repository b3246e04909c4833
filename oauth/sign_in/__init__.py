"""How a person shows who they are: passwords, passkeys, identity providers, one-time links."""
