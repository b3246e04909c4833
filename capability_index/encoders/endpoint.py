"""How this package reaches a model behind HTTP: through a function that the server gives, so that no client lives here."""

from collections.abc import Mapping
from typing import Protocol


class EndpointFailed(Exception):
    """The endpoint gave no good answer in time; the message says what happened, without the request or its headers."""


class Post(Protocol):
    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> bytes:
        """POST and return the body of a 200 answer; blocking, ends after `timeout_s` at the latest. Raises EndpointFailed."""
        ...
