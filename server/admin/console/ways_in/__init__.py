"""Ways into the console: by a passkey, by an invite that becomes one, and by the passkey once more. And the way out."""
