"""salesforce-ingest: records become facts by field maps, with the validity that their history says."""
