"""A call as Gong shows it: what lists say of it, its details, its transcript; the latter two may come hours later."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tools.context_plane.times import BadTime, time_us
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class SeenCall:
    """`details` and `transcript` are None as long as Gong does not have them."""

    metadata: Mapping[str, Json]
    details: Mapping[str, Json] | None = None
    transcript: Sequence[Mapping[str, Json]] | None = None

    @property
    def call_id(self) -> str:
        return str(self.metadata["id"])

    @property
    def started_us(self) -> int:
        """Return when it began; the time for which it was planned where Gong says no other. Raises BadTime."""
        text = self.metadata.get("started") or self.metadata.get("scheduled")
        if not isinstance(text, str):
            raise BadTime(f"call {self.call_id[:24]} has no start")
        return time_us(text)

    @property
    def is_private(self) -> bool:
        return self.metadata.get("isPrivate") is True

    @property
    def parties(self) -> Sequence[Mapping[str, Json]]:
        found = (self.details or {}).get("parties")
        return [party for party in found if isinstance(party, Mapping)] if isinstance(found, list) else []

    @property
    def is_complete(self) -> bool:
        """Say whether there is nothing to wait for."""
        return bool(self.parties) and bool(self.transcript)

    @property
    def owner_email(self) -> str:
        """Return the address of the person whose call it is; '' where details do not say."""
        owner = self.metadata.get("primaryUserId")
        emails = (party.get("emailAddress") for party in self.parties if owner and party.get("userId") == owner)
        return next((email for email in emails if isinstance(email, str)), "")
