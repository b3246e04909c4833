"""How senders sign: one file a scheme. A scheme reads headers and bytes; what it proves is decided in `signature` for all of them."""
