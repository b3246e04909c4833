"""What is used and may be used: budgets, limits, the ledger. Model calls and tool calls share it."""
