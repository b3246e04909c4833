"""The servers behind a route: chosen, looked after, asked."""
