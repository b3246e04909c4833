"""Each file measures one number that the project promises."""
