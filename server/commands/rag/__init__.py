"""`ascend rag`: documents of a tenant, from the machine that holds the data."""
