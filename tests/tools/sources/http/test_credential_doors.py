"""Every way out of an account's call, times every place in which an upstream may repeat its credential: the secret is nowhere."""

import base64
import json
from collections.abc import Callable
from dataclasses import replace
from html import escape
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from oauth.connections.credentials import Credential
from oauth.principal import Principal
from tests.tools.sources.http.api_world import ApiWorld
from tests.tools.sources.openapi.callable import ADA, call_of
from tests.tools.sources.repeated_secret import BEARER, PAIR, SECRET, leaks, seen
from tools.dispatch.pages.page_cursor import CursorSeal
from tools.dispatch.pages.pager import Pager
from tools.operation import REDACTED, CallOptions, Directions, Outcome, PageRequest, Paging
from tools.sources.credential_redaction import NOTE, Redaction

#: of HTML 5, for signs that most encoders leave
NAMES = {"_": "&lowbar;", "/": "&sol;", "+": "&plus;", '"': "&quot;", "=": "&equals;", "&": "&amp;"}
#: how honest programs write what they repeat
SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": lambda secret: secret,
    "url": lambda secret: quote(secret, safe=""),
    "url in part": quote,
    "url twice": lambda secret: quote(quote(secret, safe=""), safe=""),
    "json": lambda secret: json.dumps(secret)[1:-1],
    "json, slashes": lambda secret: json.dumps(secret)[1:-1].replace("/", "\\/"),
    "json, for html": lambda secret: json.dumps(secret)[1:-1].replace("&", "\\u0026").replace("+", "\\u002B"),
    "json in json": lambda secret: json.dumps(json.dumps(secret))[3:-3],
    "html": lambda secret: escape(secret),
    "html, every name": lambda secret: "".join(NAMES.get(each, each) for each in secret),
    "JSON in an address": lambda secret: quote(json.dumps(secret)[1:-1], safe=""),
    "JavaScript": lambda secret: "".join(each if each.isalnum() or not each.isascii() else f"\\x{ord(each):02x}" for each in secret),
    "mail": lambda secret: "".join(each if each.isalnum() or not each.isascii() else f"={ord(each):02X}" for each in secret),
    "base64 of Basic": lambda secret: PAIR,
}
OPEN: dict[str, Any] = {"responses": {}, "security": [{"key": []}]}
SCHEMES: dict[str, Any] = {"components": {"securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}}}
BASIC: dict[str, Any] = {"components": {"securitySchemes": {"key": {"type": "http", "scheme": "basic"}}}}
#: door -> (status, content type, body, headers) as an upstream answers them; {} is where it repeats the secret
DOORS: dict[str, tuple[int, str, str, dict[str, str]]] = {
    "error, JSON": (400, "application/json", '{"detail": "no such key {}"}', {}),
    "error, text": (502, "text/plain", "bad key {}", {}),
    "error, HTML": (500, "text/html", "<p>{}</p>", {}),
    "error, not the JSON it says": (422, "application/json", '{"key": "{}"', {}),
    "redirect, body": (302, "text/html", "moved to {}", {}),
    "redirect, Location": (302, "text/html", "", {"Location": "https://elsewhere.example/?key={}"}),
    "redirect of a write": (303, "text/html", "", {"Location": "/made/{}"}),
    "data": (200, "application/json", '{"request": {"headers": {"authorization": "Bearer {}"}}}', {}),
    "names in data": (200, "application/json", '{"{}": 1}', {}),
    "text": (200, "text/plain", "you sent {}", {}),
    "XML": (200, "application/xml", "<key>{}</key>", {}),
    "malformed data": (200, "application/json", '{"key": "{}"', {}),
    "file": (200, "application/octet-stream", "key={}", {}),
    "file name": (200, "application/octet-stream", "x", {"Content-Disposition": 'attachment; filename="{}.bin"'}),
    "next link": (200, "application/json", "[]", {"Link": '</things?key={}&page=2>; rel="next"'}),
    "request id": (200, "application/json", "{}", {"X-Request-Id": "{}"}),
    "rate limit": (200, "application/json", "{}", {"X-RateLimit-Limit": "{}"}),
    "made at": (201, "application/json", "{}", {"Location": "/made?key={}", "ETag": '"{}"', "Operation-Location": "/o/{}"}),
    "refused": (401, "application/json", '{"message": "{} is revoked"}', {"WWW-Authenticate": 'Bearer realm="{}"'}),
}


@pytest.mark.parametrize("door", DOORS)
async def test_no_door_of_an_api_lets_the_credential_out(door: str, world: ApiWorld) -> None:
    """Bodies, headers, addresses, names, errors; in every spelling that the place allows."""
    status, content_type, body, headers = DOORS[door]
    world.wallet.credential = BEARER
    bearer, basic = world.operation(OPEN, "post", **SCHEMES), world.operation(OPEN, "post", **BASIC)
    for name, spell in SPELLINGS.items():
        operation = basic if name == "base64 of Basic" else bearer
        told = {key: value.replace("{}", spell(SECRET)) for key, value in headers.items()}
        world.upstream.answers.clear()
        raw = body.replace("{}", spell(SECRET)) if body != "{}" else body
        world.upstream.answer(status, raw, content_type, **{key.replace("-", "_"): value for key, value in told.items()})
        outcome = await world.run(operation)
        assert not leaks(seen(outcome)), (door, name, outcome)
        assert REDACTED in seen(outcome) or door in ("redirect of a write", "rate limit", "refused"), (door, name, outcome)
        assert NOTE in (outcome.note or ""), (door, name)


@pytest.mark.parametrize("before", ["you sent ", "您发送了这个密钥给我们用来调用"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-32", "utf-32-be"])
async def test_a_secret_in_a_wide_charset_is_found(encoding: str, before: str, world: ApiWorld) -> None:
    """Bytes are searched as what they are the text of, whatever it begins with."""
    world.wallet.credential = BEARER
    world.upstream.answer(200, f"{before}{SECRET}".encode(encoding), f"text/plain; charset={encoding}")
    assert not leaks(seen(await world.run(world.operation(OPEN, **SCHEMES))))


@pytest.mark.parametrize("around", [("", ""), ("a", "b"), ("ab", "cd"), ("Authorization: Bearer ", "\r\n")])
@pytest.mark.parametrize("write", [base64.b64encode, base64.urlsafe_b64encode])
async def test_a_secret_within_base64_is_found_wherever_it_begins(
    write: Callable[[bytes], bytes],
    around: tuple[str, str],
    world: ApiWorld,
) -> None:
    """What is around it stays what it was."""
    world.wallet.credential = BEARER
    raw = f"{around[0]}{SECRET}{around[1]}".encode()
    world.upstream.answer(200, json.dumps({"request": write(raw).decode()}))
    outcome = await world.run(world.operation(OPEN, **SCHEMES))
    decoded = base64.urlsafe_b64decode(outcome.data["request"].replace("+", "-").replace("/", "_")).decode()
    assert REDACTED in decoded
    assert SECRET[2:-2] not in decoded
    assert "8A7b" not in decoded
    assert decoded.startswith(around[0])
    assert decoded.endswith(around[1])
    assert NOTE in (outcome.note or "")


async def test_a_secret_in_the_name_of_a_header_is_found(world: ApiWorld) -> None:
    world.wallet.credential = Credential("bearer", "sk-live-9f8A7b6Zq")
    world.upstream.answer(200, "{}", **{"X_sk-live-9f8A7b6Zq_Total": "1"})
    assert "9f8A7b6Zq".lower() not in seen(await world.run(world.operation(OPEN, **SCHEMES))).lower()


@pytest.mark.parametrize(
    "following",
    [
        "/things?page=2&api_key={}",
        "/things?page=2&token={}",
        "/{}/things?page=2",
    ],
)
async def test_a_next_page_whose_address_held_the_key_still_comes(following: str, world: ApiWorld) -> None:
    """The credential is put back where the upstream had put it, and only towards that upstream."""
    world.wallet.credential = Credential("api_key", SECRET)
    schemes: dict[str, Any] = {"components": {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "api_key"}}}}
    operation = world.operation(OPEN, **schemes)
    world.upstream.answer(200, "[1]", Link=f'<{following.replace("{}", quote(SECRET, safe=""))}>; rel="next"')
    first = await world.run(operation)
    assert first.http is not None
    link = first.http.next_link
    assert link is not None
    assert not leaks(link)
    assert (await world.run(operation, directions=Directions(follow=link))).status == "ok"
    target = world.upstream.got[-1].target
    assert quote(SECRET, safe="") in target
    assert REDACTED not in target
    assert "page=2" in target


async def test_a_cursor_that_held_the_key_leads_on_for_its_owner_alone(world: ApiWorld) -> None:
    """Sealed for the caller; in it, and in no argument that a caller wrote, the secret is put back."""
    world.wallet.credential = BEARER
    parameters = [{"name": "after", "in": "query", "schema": {"type": "string"}}]
    operation = replace(
        world.operation({**OPEN, "parameters": parameters}, **SCHEMES), paging=Paging("cursor", "after", "items", next_path="next")
    )
    pager = Pager(CursorSeal(b"k" * 32))

    async def run(page: PageRequest | None, principal: Principal = ADA, after: str | None = None) -> Outcome:
        call = replace(call_of(operation, {} if after is None else {"after": after}), options=CallOptions(page=page), principal=principal)
        return await pager.run(call, world.runner.run)

    world.upstream.answer(200, json.dumps({"items": [1], "next": f"{SECRET}:2"}))
    first = await run(PageRequest())
    assert first.page is not None
    cursor = first.page.next_cursor
    assert cursor is not None
    assert not leaks(seen(first) + cursor)
    assert REDACTED not in cursor
    world.upstream.answer(200, json.dumps({"items": [2], "next": f"{SECRET}:2"}))
    second = await run(PageRequest(cursor=cursor))
    assert world.upstream.got[-1].target.endswith(f"after={quote(SECRET, safe='')}%3A2")
    assert second.page is not None
    assert second.page.next_cursor is None
    everything = await run(PageRequest(mode="all"))
    assert not leaks(seen(everything))
    assert world.upstream.got[-1].target.endswith(f"after={quote(SECRET, safe='')}%3A2")
    for page, after in ((PageRequest(cursor=f"{REDACTED}:2"), None), (None, f"{REDACTED}:2")):
        await run(page, after=after)
        assert world.upstream.got[-1].target.endswith("after=%2A%2A%2A%3A2")
    await run(PageRequest(cursor=cursor), replace(ADA, subject="eve"))
    assert not leaks(world.upstream.got[-1].target)
    await run(PageRequest(cursor="n_of_its_own"))
    assert world.upstream.got[-1].target.endswith("after=n_of_its_own")


@given(
    secret=st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=8, max_size=40),
    name=st.sampled_from(sorted(SPELLINGS)),
)
def test_any_secret_is_found_in_any_spelling(secret: str, name: str) -> None:
    """In bytes and in text alike."""
    spelt = base64.b64encode(f"me:{secret}".encode()).decode() if name == "base64 of Basic" else SPELLINGS[name](secret)
    redaction = Redaction((Credential("basic", secret, username="me"),))
    for cleaned in (redaction.body(f"<{spelt}>".encode()).decode(), redaction.text(f"<{spelt}>")):
        assert cleaned.rstrip("=>").rstrip("=") == f"<{REDACTED}", (spelt, cleaned)


def test_what_holds_no_secret_is_the_same_object() -> None:
    """Nothing is copied on the way of nearly every answer."""
    body = b'{"id": 1}'
    redaction = Redaction((BEARER, Credential("api_key", "short"), Credential("api_key", json.dumps({"a": "aaaaaaaa1", "b": "bbbbbbbb2"}))))
    assert redaction.body(body) is body
    assert not redaction.is_used
    assert redaction.body(b"bbbbbbbb2 and aaaaaaaa1") == b"*** and ***"


def test_signed_keys_and_tokens_of_a_session_are_secrets() -> None:
    """AWS Signature Version 4."""
    redaction = Redaction((Credential("sigv4", "wJalrXUtnFEMI", username="AKIA", session_token="FwoGZXIvYXdzEBY"),))
    redaction.add("5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
    told = "wJalrXUtnFEMI FwoGZXIvYXdzEBY Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    assert redaction.text(told) == "*** *** Signature=***"
