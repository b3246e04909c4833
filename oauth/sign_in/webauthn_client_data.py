"""What a browser says it signed: WebAuthn client data, checked where libraries do not (WebAuthn 3 §5.8.1, §7.1 steps 5-11)."""

from collections.abc import Mapping
from typing import Any

import orjson

from oauth import base64url
from oauth.sign_in.errors import PasskeyRefused

MAX_ANSWER_BYTES = 32 * 1024


def read_answer(text: str) -> dict[str, Any]:
    """Return the credential that the page posted. Raises PasskeyRefused."""
    # before anything is parsed: the sender is not signed in yet
    if len(text) > MAX_ANSWER_BYTES:
        raise PasskeyRefused("the answer is too large")
    try:
        answer = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise PasskeyRefused("the answer is not JSON") from error
    if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
        raise PasskeyRefused("the answer has no response")
    # Only the members that are read, as text: nothing deep reaches the parsers behind this.
    names = ("clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject")
    response = {name: value for name in names if isinstance(value := answer["response"].get(name), str)}
    kept = {name: value for name in ("id", "rawId", "type") if isinstance(value := answer.get(name), str)}
    return kept | {"response": response}


def challenge_of(answer: Mapping[str, Any], origin: str) -> bytes:
    """Return the challenge that was signed, after checking where: our exact origin, not inside a frame of another one.

    Raises PasskeyRefused.
    """
    data = _client_data(decode(answer["response"].get("clientDataJSON", ""), "clientDataJSON"))
    # WebAuthn 3 §7.2: byte for byte; a suffix or a pattern would take `https://us.evil.test`.
    if data.get("origin") != origin:
        raise PasskeyRefused("origin is not ours")
    # WebAuthn 3 §7.2, §13.4.9: we are in nobody's frame, so a prompt in one is a trick (clickjacking).
    if data.get("crossOrigin", False) is not False or "topOrigin" in data:
        raise PasskeyRefused("the page was inside a frame of another origin")
    challenge = data.get("challenge")
    if not isinstance(challenge, str) or not challenge:
        raise PasskeyRefused("there is no challenge")
    return decode(challenge, "challenge")


def decode(text: str, name: str) -> bytes:
    """Return the bytes of base64url text without padding. Raises PasskeyRefused."""
    try:
        return base64url.decode(text)
    except ValueError as error:
        raise PasskeyRefused(f"{name} is not base64url") from error


def _client_data(raw: bytes) -> Mapping[str, Any]:
    try:
        data = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise PasskeyRefused("clientDataJSON is not JSON") from error
    if not isinstance(data, dict) or any(isinstance(value, list | dict) for value in data.values()):
        # Token binding, the one member that was an object, is gone from every browser.
        raise PasskeyRefused("clientDataJSON is not a flat object")
    return data
