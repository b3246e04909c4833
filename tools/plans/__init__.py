"""Plans as a language: steps, references, checks, runs."""
