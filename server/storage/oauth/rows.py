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
        grant_id=row.grant_id,
        tenant_id=row.tenant_id,
        subject=row.subject,
        client_id=row.client_id,
        resource=row.resource,
        scopes=scopes_of(row.scopes),
        grant_type=row.grant_type,
        native=row.native,
        created_at=row.created_at / 1_000_000,
        expires_at=row.expires_at / 1_000_000,
        revoked_at=from_us(row.revoked_at),
        revoke_reason=row.revoke_reason,
        left_out=scopes_of(row.left_out),
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
        code_hash=row.code_hash,
        grant_id=row.grant_id,
        tenant_id=row.tenant_id,
        client_id=row.client_id,
        redirect_uri=row.redirect_uri,
        code_challenge=row.code_challenge,
        expires_at=row.expires_at / 1_000_000,
        failed_tries=row.failed_tries,
        used_at=from_us(row.used_at),
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
        token_hash=row.token_hash,
        grant_id=row.grant_id,
        tenant_id=row.tenant_id,
        subject=row.subject,
        client_id=row.client_id,
        resource=row.resource,
        scopes=scopes_of(row.scopes),
        issued_at=row.issued_at / 1_000_000,
        expires_at=row.expires_at / 1_000_000,
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
        token_hash=row.token_hash,
        grant_id=row.grant_id,
        tenant_id=row.tenant_id,
        generation=row.generation,
        issued_at=row.issued_at / 1_000_000,
        expires_at=row.expires_at / 1_000_000,
        rotated_at=from_us(row.rotated_at),
        reply_box=row.reply_box,
    )


def request_values(stored: StoredRequest) -> Values:
    request = stored.request
    kept = {name: getattr(request, name) for name in _REQUEST_FIELDS} | {"prompt": sorted(request.prompt), "scopes": list(request.scopes)}
    return {
        "request_hash": stored.request_hash,
        "client_id": request.client_id,
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
    return StoredRequest(
        request=request,
        request_hash=row.request_hash,
        device_code_hash=row.device_code_hash,
        answered_at=from_us(row.answered_at),
        reply_box=row.reply_box,
    )


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
        tenant_id=row.tenant_id,
        subject=row.subject,
        client_id=row.client_id,
        redirect_uri=row.redirect_uri,
        resource=row.resource,
        scopes=scopes_of(row.scopes),
        document_hash=row.document_hash,
        granted_at=row.granted_at / 1_000_000,
        left_out=scopes_of(row.left_out),
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
        device_hash=row.device_hash,
        user_code=row.user_code,
        client_id=row.client_id,
        tenant_id=row.tenant_id,
        resource=row.resource,
        scopes=tuple(row.scopes.split()),
        created_at=row.created_at / 1_000_000,
        expires_at=row.expires_at / 1_000_000,
        interval_s=row.interval_us / 1_000_000,
        last_polled_at=from_us(row.last_polled_at),
        grant_id=row.grant_id,
        denied=row.denied,
        used=row.used,
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
    return SecurityEvent(
        action=row.action,
        at=row.at / 1_000_000,
        tenant_id=row.tenant_id,
        subject=row.subject,
        client_id=row.client_id,
        grant_id=row.grant_id,
        facts=orjson.loads(row.facts),
    )
