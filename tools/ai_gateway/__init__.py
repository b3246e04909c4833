"""Model calls through one door: decided, budgeted, sent, failed over, settled. The contract is docs/guides/ai-gateway.md."""
