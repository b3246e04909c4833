"""browser.*: what a page shows and says, looked at with the operator's Chromium."""
