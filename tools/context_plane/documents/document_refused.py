"""Why a document is not read (context contract §6)."""

from typing import Literal

from tools.context_plane.documents.document_limits import MAX_CHARACTERS
from tools.context_plane.errors import ContextRefused

RefusalCode = Literal["unsupported_media", "too_large", "encrypted", "no_text", "damaged"]


class DocumentRefused(ContextRefused):
    """The document is at fault, and will be tomorrow: whoever sent it has to send another."""

    def __init__(self, code: RefusalCode, message: str, hint: str) -> None:
        super().__init__(code, message, hint=hint)
        self.code, self.message, self.hint = code, message, hint


def too_long() -> DocumentRefused:
    """Return the refusal of a document that says more than is kept of one."""
    return DocumentRefused("too_large", f"its text is longer than {MAX_CHARACTERS:,} characters", "split it, and send the parts")
