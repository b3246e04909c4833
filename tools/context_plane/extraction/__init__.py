"""Claims that a model reads in what a source said, for tenants that want it; checked against the text, and never over a record."""
