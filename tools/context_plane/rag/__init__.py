"""Documents on record: taken in, read, cut, found again, and quoted."""
