"""What is looked for: one file a rule."""
