"""Between the tables of the authorization server and its records: seconds <-> microseconds, sets <-> text."""

from typing import Any

import orjson
from sqlalchemy import Row

from oauth.audit import SecurityEvent
from oauth.authorization.request import AuthorizationRequest
from oauth.scopes import render
from oauth.tokens.grant_records import AccessToken, AuthorizationCode, DeviceCode, Grant, RefreshToken, RememberedConsent, StoredRequest

Values = dict[str, Any]


def to_us(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)


def from_us(microseconds: int | None) -> float | None:
    return None if microseconds is None else microseconds / 1_000_000


def scopes_of(text: str) -> frozenset[str]:
    return frozenset(text.split())


def grant_values(grant: Grant) -> Values:
    return {
        "grant_id": grant.grant_id,
        "tenant_id": grant.tenant_id,
        "subject": grant.subject,
        "client_id": grant.client_id,
        "resource": grant.resource,
        "scopes": render(grant.scopes),
        "grant_type": grant.grant_type,
        "native": grant.native,
        "created_at": to_us(grant.created_at),
        "expires_at": to_us(grant.expires_at),
        "revoked_at": to_us(grant.revoked_at),
        "revoke_reason": grant.revoke_reason,
        "left_out": render(grant.left_out),
    }


def grant_of(row: Row[Any]) -> Grant:
    return Grant(
        row.grant_id,
        row.tenant_id,
        row.subject,
        row.client_id,
        row.resource,
        scopes_of(row.scopes),
        row.grant_type,
        row.native,
        row.created_at / 1_000_000,
        row.expires_at / 1_000_000,
        from_us(row.revoked_at),
        row.revoke_reason,
        scopes_of(row.left_out),
    )


def code_values(code: AuthorizationCode) -> Values:
    return {
        "code_hash": code.code_hash,
        "grant_id": code.grant_id,
        "tenant_id": code.tenant_id,
        "client_id": code.client_id,
        "redirect_uri": code.redirect_uri,
        "code_challenge": code.code_challenge,
        "failed_tries": code.failed_tries,
        "used_at": to_us(code.used_at),
        "expires_at": to_us(code.expires_at),
    }


def code_of(row: Row[Any]) -> AuthorizationCode:
    return AuthorizationCode(
        row.code_hash,
        row.grant_id,
        row.tenant_id,
        row.client_id,
        row.redirect_uri,
        row.code_challenge,
        row.expires_at / 1_000_000,
        row.failed_tries,
        from_us(row.used_at),
    )


def access_token_values(token: AccessToken) -> Values:
    return {
        "token_hash": token.token_hash,
        "grant_id": token.grant_id,
        "tenant_id": token.tenant_id,
        "subject": token.subject,
        "client_id": token.client_id,
        "resource": token.resource,
        "scopes": render(token.scopes),
        "issued_at": to_us(token.issued_at),
        "expires_at": to_us(token.expires_at),
    }


def access_token_of(row: Row[Any]) -> AccessToken:
    return AccessToken(
        row.token_hash,
        row.grant_id,
        row.tenant_id,
        row.subject,
        row.client_id,
        row.resource,
        scopes_of(row.scopes),
        row.issued_at / 1_000_000,
        row.expires_at / 1_000_000,
    )


def refresh_token_values(token: RefreshToken) -> Values:
    return {
        "token_hash": token.token_hash,
        "grant_id": token.grant_id,
        "tenant_id": token.tenant_id,
        "generation": token.generation,
        "issued_at": to_us(token.issued_at),
        "expires_at": to_us(token.expires_at),
        "rotated_at": to_us(token.rotated_at),
        "reply_box": token.reply_box,
    }


def refresh_token_of(row: Row[Any]) -> RefreshToken:
    return RefreshToken(
        row.token_hash,
        row.grant_id,
        row.tenant_id,
        row.generation,
        row.issued_at / 1_000_000,
        row.expires_at / 1_000_000,
        from_us(row.rotated_at),
        row.reply_box,
    )


def request_values(stored: StoredRequest) -> Values:
    request = stored.request
    kept = {name: getattr(request, name) for name in _REQUEST_FIELDS} | {"prompt": sorted(request.prompt), "scopes": list(request.scopes)}
    return {
        "request_hash": stored.request_hash,
        "tenant_id": request.tenant_id,
        "browser": request.browser,
        "request": orjson.dumps(kept).decode(),
        "device_code_hash": stored.device_code_hash,
        "answered_at": to_us(stored.answered_at),
        "reply_box": stored.reply_box,
        "expires_at": to_us(request.expires_at),
    }


#: everything of a request but its handle, which is a secret, and what has a column of its own
_REQUEST_FIELDS = (
    "client_id",
    "redirect_uri",
    "scopes",
    "resource",
    "state",
    "code_challenge",
    "prompt",
    "login_hint",
    "max_age_s",
    "created_at",
    "expires_at",
)


def request_of(row: Row[Any]) -> StoredRequest:
    kept = orjson.loads(row.request)
    kept |= {"prompt": frozenset(kept["prompt"]), "scopes": tuple(kept["scopes"])}
    request = AuthorizationRequest(request_id="", browser=row.browser, tenant_id=row.tenant_id, **kept)
    return StoredRequest(request, row.request_hash, row.device_code_hash, from_us(row.answered_at), row.reply_box)


def consent_values(consent: RememberedConsent) -> Values:
    return {
        "tenant_id": consent.tenant_id,
        "subject": consent.subject,
        "client_id": consent.client_id,
        "redirect_uri": consent.redirect_uri,
        "resource": consent.resource,
        "scopes": render(consent.scopes),
        "document_hash": consent.document_hash,
        "granted_at": to_us(consent.granted_at),
        "left_out": render(consent.left_out),
    }


def consent_of(row: Row[Any]) -> RememberedConsent:
    return RememberedConsent(
        row.tenant_id,
        row.subject,
        row.client_id,
        row.redirect_uri,
        row.resource,
        scopes_of(row.scopes),
        row.document_hash,
        row.granted_at / 1_000_000,
        scopes_of(row.left_out),
    )


def device_code_values(code: DeviceCode) -> Values:
    return {
        "device_hash": code.device_hash,
        "user_code": code.user_code,
        "client_id": code.client_id,
        "tenant_id": code.tenant_id,
        "resource": code.resource,
        "scopes": " ".join(code.scopes),
        "created_at": to_us(code.created_at),
        "expires_at": to_us(code.expires_at),
        "interval_us": to_us(code.interval_s),
        "last_polled_at": to_us(code.last_polled_at),
        "grant_id": code.grant_id,
        "denied": code.denied,
        "used": code.used,
    }


def device_code_of(row: Row[Any]) -> DeviceCode:
    return DeviceCode(
        row.device_hash,
        row.user_code,
        row.client_id,
        row.tenant_id,
        row.resource,
        tuple(row.scopes.split()),
        row.created_at / 1_000_000,
        row.expires_at / 1_000_000,
        row.interval_us / 1_000_000,
        from_us(row.last_polled_at),
        row.grant_id,
        row.denied,
        row.used,
    )


def event_values(event: SecurityEvent) -> Values:
    return {
        "at": to_us(event.at),
        "action": event.action,
        "tenant_id": event.tenant_id,
        "subject": event.subject,
        "client_id": event.client_id,
        "grant_id": event.grant_id,
        "facts": orjson.dumps(dict(event.facts)).decode(),
    }


def event_of(row: Row[Any]) -> SecurityEvent:
    return SecurityEvent(row.action, row.at / 1_000_000, row.tenant_id, row.subject, row.client_id, row.grant_id, orjson.loads(row.facts))
