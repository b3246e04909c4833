"""A subject: a person (or workload) of one tenant who can sign in and grant."""

import secrets
import unicodedata
from dataclasses import dataclass

from oauth.sign_in.errors import InvalidInput

MAX_EMAIL_LENGTH = 254  # RFC 5321 §4.5.3.1.3, less the angle brackets
MAX_DISPLAY_NAME_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Subject:
    """`subject_id` is opaque and never reused. `identity_provider` is "" for subjects who sign in here.

    Two subjects of a tenant may have the same e-mail when different identity providers vouch for it: an address is never
    what links them (an attacker's provider can claim any). Among local subjects an e-mail names one.
    """

    tenant_id: str
    subject_id: str
    email: str
    display_name: str = ""
    disabled: bool = False
    #: scopes this subject may grant; None: all that the tenant has
    allowed_scopes: frozenset[str] | None = None
    identity_provider: str = ""

    @property
    def title(self) -> str:
        """What pages call this subject."""
        return self.display_name or self.email


def new_subject_id() -> str:
    """Return a fresh id: 128 random bits, without meaning, so that it may appear in logs."""
    return f"sub_{secrets.token_urlsafe(16)}"


def normalize_email(text: str) -> str:
    """Return `text` as addresses are compared: NFKC, lower case, no space around.

    Raises InvalidInput where it cannot be an address.
    """
    # Before it is compared: `ﬁ` and `fi` are one address to people, and two rows would be two accounts.
    email = unicodedata.normalize("NFKC", text).strip().casefold()
    local, at, domain = email.rpartition("@")
    plain = all(character.isprintable() and not character.isspace() for character in email)
    if not (local and at and domain) or not plain or len(email) > MAX_EMAIL_LENGTH:
        raise InvalidInput(f"email: {text[:80]!r} is not an address; give one like ada@example.com")
    return email


def clean_display_name(text: str) -> str:
    """Return `text` without control and direction-changing characters, cut to a length that fits a page."""
    kept = "".join(character for character in text if unicodedata.category(character)[0] != "C")
    return " ".join(kept.split())[:MAX_DISPLAY_NAME_LENGTH]
