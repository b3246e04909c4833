"""Security events: who did what to which client, grant or token. Appended, never changed; no secret in any field."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

SecurityAction = Literal[
    "client_registered",
    "client_changed",
    "client_removed",
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
    "sign_in",
    "sign_in_failed",
    "sign_out",
    "credential_added",
    "credential_removed",
    "subject_changed",
]


@dataclass(frozen=True, slots=True)
class SecurityEvent:
    """`tenant_id` and `subject` are empty where the event happened before either was known."""

    action: SecurityAction
    at: float
    tenant_id: str = ""
    subject: str = ""
    client_id: str = ""
    grant_id: str = ""
    #: an address prefix, a reason, an age in seconds: short facts, no secrets
    facts: Mapping[str, str] = field(default_factory=dict)
