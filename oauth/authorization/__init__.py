"""From a request for access to a code: what was asked, what the person allowed."""
