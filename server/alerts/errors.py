"""What can go wrong with a message.

DeliveryFailed
├── TryAgain         the sink may take it later
└── NotTaken         it never will
"""


class DeliveryFailed(Exception):
    """In our words, without an address that is a secret."""


class TryAgain(DeliveryFailed):
    """`after_s`: what the sink asked for."""

    def __init__(self, why: str, after_s: float | None = None) -> None:
        super().__init__(why)
        self.after_s = after_s


class NotTaken(DeliveryFailed):
    """To try again would change nothing: the sink is set wrong, or refuses what we send."""
