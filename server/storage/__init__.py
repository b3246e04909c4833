"""Keep what the packages' store Protocols promise: the only home of SQL."""
