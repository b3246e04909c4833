"""What providers speak: a conversation becomes their request, and their answer is read."""
