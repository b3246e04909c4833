"""The audit trail: rows that are appended in the transaction they tell of, chained by their hashes, read and verified."""
