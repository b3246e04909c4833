"""Security events: who did what to which client, grant or token. Appended, never changed; no secret in any field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_REASON_CHARS = 200

SecurityAction = Literal[
    "client_registered",
    "client_changed",
    "client_removed",
    "client_refused",
    "client_authentication_failed",
    "consent_given",
    "consent_denied",
    "grant_revoked",
    "token_revoked",
    "token_minted",
    "code_replayed",
    "code_tries_exhausted",
    "refresh_replayed",
    "refresh_reused",
    "token_in_query",
    "assertion_refused",
    "device_approved",
    "device_denied",
    "static_token_minted",
    "static_token_revoked",
    "key_rotated",
    "caller_key_minted",
    "caller_key_revoked",
    "ai_config_changed",
    "ai_gateway_created",
    "ai_gateway_removed",
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "credential_added",
    "credential_removed",
    "subject_changed",
    "role_changed",
    "admin_invited",
]


#: An event is kept for 400 days, and some are left by requests of nobody.
MAX_FACT_CHARS = 500
#: as wide as the columns that keep them
_MAX_CHARS = {"tenant_id": 64, "subject": 128, "client_id": 512, "grant_id": 64}


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """`tenant_id` and `subject` are empty where the event happened before either was known."""

    action: SecurityAction
    at: float
    tenant_id: str = ""
    subject: str = ""
    client_id: str = ""
    grant_id: str = ""
    #: an address prefix, a reason, an age in seconds: short facts, no secrets. Cut here, since some are anybody's text.
    facts: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, most in _MAX_CHARS.items():
            if len(getattr(self, name)) > most:
                object.__setattr__(self, name, getattr(self, name)[:most])
        if any(len(value) > MAX_FACT_CHARS for value in self.facts.values()):
            object.__setattr__(self, "facts", {name: _cut(value) for name, value in self.facts.items()})


def _cut(fact: str) -> str:
    return fact if len(fact) <= MAX_FACT_CHARS else f"{fact[: MAX_FACT_CHARS - 1]}…"


def reason_of(text: str) -> str:
    """Return what log and audit keep of a reason that a stranger may have written: one line of visible characters, 200 at most."""
    visible = "".join(character if character.isprintable() else " " for character in text[: 4 * MAX_REASON_CHARS])
    return " ".join(visible.split())[:MAX_REASON_CHARS]
