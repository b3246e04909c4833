"""What callers and providers speak: a request of one dialect put to a provider of another, and the answer put back."""
