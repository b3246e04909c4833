"""What callers speak: their requests become a conversation, and an answer becomes theirs."""
