"""Why the administration refuses a request."""

from collections.abc import Mapping, Sequence

from oauth.administration.roles import Role
from oauth.services.machine import scope_of

#: what `hint` says of every missing or wrong token
MINT_ONE = "mint one on the machine that owns the data: `ascend token mint --for admin --tenant TENANT --user EMAIL`"


class AdminRefused(Exception):
    """One refusal: `code` for programs, `message` and `hint` for people, `faults` with a place each."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        hint: str = "",
        *,
        faults: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.hint = status, code, message, hint
        self.faults, self.headers = tuple(faults), dict(headers or {})


def unauthenticated(*, was_sent: bool) -> AdminRefused:
    """Return one answer for every reason (RFC 6750 §3.1: no error code where no token was sent)."""
    error = ', error="invalid_token"' if was_sent else ""
    message = "the token is unknown, expired, revoked, or not for the administration" if was_sent else "an administrator's token is needed"
    return AdminRefused(
        401, "unauthenticated", message, MINT_ONE, headers={"www-authenticate": f'Bearer scope="{scope_of(Role.AUDITOR)}"{error}'}
    )


def forbidden(message: str, hint: str = "", least: Role = Role.AUDITOR) -> AdminRefused:
    """Return the refusal of somebody who is known (RFC 6750 §3.1, insufficient_scope); `least`: the role that it takes."""
    challenge = f'Bearer scope="{scope_of(least)}", error="insufficient_scope"'
    return AdminRefused(403, "forbidden", message, hint, headers={"www-authenticate": challenge})


def step_up_needed(max_age_s: int) -> AdminRefused:
    """Return the refusal of somebody whose proof is too old for this change (RFC 9470 §3)."""
    challenge = f'Bearer error="insufficient_user_authentication", max_age="{max_age_s}"'
    message = f"this takes a proof of who you are from the last {max_age_s // 60} minutes"
    hint = "use your passkey once more, or mint a new token"
    return AdminRefused(401, "insufficient_user_authentication", message, hint, headers={"www-authenticate": challenge})


def invalid(message: str, hint: str = "") -> AdminRefused:
    """Return the refusal of a request that says something impossible."""
    return AdminRefused(400, "invalid_request", message, hint)


def not_found(message: str, hint: str = "") -> AdminRefused:
    return AdminRefused(404, "not_found", message, hint)


def no_such_tenant() -> AdminRefused:
    """Return the refusal of a field that names a tenant which there is not."""
    faults = [{"place": "tenant", "message": "unknown"}]
    return AdminRefused(422, "invalid_fields", "tenant: there is no such one", "`ascend tenant list` shows all", faults=faults)


def version_conflict(newest: str) -> AdminRefused:
    """Return the refusal of who has seen an older version."""
    return AdminRefused(412, "version_conflict", "it was changed since you read it", f'read it again, then send If-Match: "{newest}"')
