"""Which documents name somebody who is to be forgotten."""

from dataclasses import dataclass

from tools.context_plane.ids import DOCUMENT, id_text
from tools.operation import Json

MAX_SHOWN = 50


@dataclass(frozen=True, slots=True)
class NamedIn:
    """`unread`: documents that wait to be read, and may name it; `is_all` False: there may be more than were looked at."""

    document_ids: tuple[int, ...]
    unread: int
    is_all: bool

    def plain(self, *, are_gone: bool) -> dict[str, Json]:
        """Return it as callers are told; `are_gone`: they were deleted."""
        return {
            "documents": len(self.document_ids),
            "ids": [id_text(DOCUMENT, each) for each in self.document_ids[:MAX_SHOWN]],
            "deleted": are_gone,
            "unread": self.unread,
            "is_all": self.is_all or are_gone,
        }
