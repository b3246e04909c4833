"""A stand-in for Salesforce's REST API: SOQL, pages, deletions, Bulk 2.0 queries, sessions without a stated end."""
