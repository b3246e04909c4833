"""Which columns the records of the authorization server have, where a member does not go as it is."""

from typing import Any

import orjson
from sqlalchemy import Row

from oauth.audit import SecurityEvent
from oauth.authorization.request import AuthorizationRequest
from oauth.tokens.grant_records import AccessToken, AuthorizationCode, DeviceCode, Grant, RefreshToken, RememberedConsent, StoredRequest
from server.storage.row_mapping import FACTS, SCOPES, TIME, WORDS, Conversion, RowMapping, Values, from_us, to_us

GRANTS = RowMapping(Grant, scopes=SCOPES, left_out=SCOPES, created_at=TIME, expires_at=TIME, revoked_at=TIME)
CODES = RowMapping(AuthorizationCode, used_at=TIME, expires_at=TIME)
ACCESS_TOKENS = RowMapping(AccessToken, scopes=SCOPES, issued_at=TIME, expires_at=TIME)
REFRESH_TOKENS = RowMapping(RefreshToken, issued_at=TIME, expires_at=TIME, rotated_at=TIME)
CONSENTS = RowMapping(RememberedConsent, scopes=SCOPES, left_out=SCOPES, granted_at=TIME)
DEVICE_CODES = RowMapping(
    DeviceCode, scopes=WORDS, created_at=TIME, expires_at=TIME, last_polled_at=TIME, interval_s=Conversion(to_us, from_us, "interval_us")
)
EVENTS = RowMapping(SecurityEvent, at=TIME, facts=FACTS)

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
