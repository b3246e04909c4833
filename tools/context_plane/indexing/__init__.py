"""Indexes of facts and passages that follow the store: a tenant's are opened when it is first asked."""
