"""What metering must remember, kept in SQL."""
