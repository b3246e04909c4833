"""The error that a provider sends a browser back with (RFC 6749 §4.1.2.1): a stranger's words, so few, and only what can be seen."""

from typing import Protocol

from oauth.audit import reason_of

#: how providers say that the person said no; RFC 6749 knows the first
_DENIED = frozenset({
    "access_denied", "user_denied", "consent_denied", "cancelled", "canceled",
    "user_cancelled", "user_canceled", "user_cancelled_login", "user_cancelled_authorize",
})  # fmt: skip


class Answer(Protocol):
    """The parameters of a callback."""

    def get(self, name: str, /) -> str | None: ...


def is_denial(answer: Answer) -> bool:
    """Say whether the person said no there."""
    return (answer.get("error") or "").lower() in _DENIED


def error_word(answer: Answer) -> str:
    """Return `error` where it is a short word of harmless characters; pages show it."""
    text = answer.get("error") or "no_code"
    return text if len(text) <= 64 and text.isascii() and text.replace("_", "").isalnum() else "error"


def error_reason(answer: Answer) -> str:
    """Return the word with `error_description`, on one line and shortened, for log and audit; a page never repeats it."""
    said = reason_of(answer.get("error_description") or "")
    return f"{error_word(answer)}: {said}" if said else error_word(answer)
