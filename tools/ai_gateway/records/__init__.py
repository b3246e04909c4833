"""What stays of a model call: its record, the ledger that writes it, and the rows that people and programs read."""
