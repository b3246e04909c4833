"""The schemas of releases whose nodes may run beside newer ones, as SQLite writes them down."""
