"""Where backups are kept: a folder, or a bucket of S3 and what speaks as it does."""
