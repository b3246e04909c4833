"""A call that was read: whether it is all there, whose it is, and the item that it comes to."""

from collections.abc import Mapping
from dataclasses import dataclass

from tools.context_plane.facts import EVERYBODY
from tools.context_plane.times import BadTime
from tools.workflows.ingestion.gong.call_item import item_of
from tools.workflows.ingestion.gong.seen_call import SeenCall
from tools.workflows.ingestion.item import Item

#: address in small letters -> subject
SubjectsByEmail = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReadCall:
    """`item` None: nobody may see it (`is_withheld`), or it has no start that can be read."""

    call_id: str
    is_complete: bool
    has_transcript: bool
    is_withheld: bool
    item: Item | None


def read_call(call: SeenCall, subjects: SubjectsByEmail) -> ReadCall:
    """Return a call with its item: a private one is its owner's alone, and nobody's where the owner does not sign in here."""
    audience = subjects.get(call.owner_email.casefold()) if call.is_private else EVERYBODY
    try:
        item = None if audience is None else item_of(call, audience)
    except BadTime:
        item = None
    return ReadCall(
        call_id=call.call_id,
        is_complete=call.is_complete,
        has_transcript=bool(call.transcript),
        is_withheld=audience is None,
        item=item,
    )
