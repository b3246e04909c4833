"""Settings: how long what the authorization server issues lives, and how much it takes."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import Number


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationSettings:
    """Lives of codes and tokens in seconds, and the measure of all limits."""

    title: ClassVar[str] = "Sign-in and authorization"

    access_token_ttl_s: float = setting("ASCEND_ACCESS_TOKEN_TTL_S", Number("seconds"), 3600.0, "how long access tokens live")
    code_ttl_s: float = setting("ASCEND_CODE_TTL_S", Number("seconds"), 60.0, "how long authorization codes live")
    #: None: the default of each client kind
    refresh_grace_s: float | None = setting(
        "ASCEND_REFRESH_GRACE_S",
        Number("seconds", may_be_zero=True),
        None,
        "how long a rotated refresh token gets its reply again",
        unset="`120` for web clients, `3600` for a person's machine",
        guide="authorization.md#refresh-tokens",
    )
    rate_limit_scale: float = setting(
        "ASCEND_RATE_LIMIT_SCALE", Number(), 1.0, "multiplies every limit of sign-in and authorization", guide="sign-in.md"
    )
