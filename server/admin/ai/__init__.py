"""`/admin/api/ai/…`: the AI gateway, administered."""
