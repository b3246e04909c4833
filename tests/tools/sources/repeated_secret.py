"""A secret in every spelling, and who looks for it in what a caller sees."""

import base64
from dataclasses import asdict, replace

import orjson

from oauth.connections.credentials import Credential
from tools.operation import Download, Outcome

SECRET = 'sk_live/9f+8A7b"6=Zq&t'
BEARER = Credential("bearer", SECRET, account_id="1", alias="work")
PAIR = base64.b64encode(f"{SECRET}:".encode()).decode()


def seen(outcome: Outcome) -> str:
    """Return everything that a caller, a cache, a record or a log could see of an outcome."""
    data = outcome.data
    if isinstance(data, Download):
        data = [data.body.decode("utf-8", "replace"), data.media_type, data.filename]
    return repr(data) + repr(outcome) + orjson.dumps(asdict(replace(outcome, data=None)), default=str).decode()


def leaks(text: str) -> list[str]:
    """Return the parts of the secret, in whatever spelling, that `text` holds."""
    return [part for part in ("sk_live", "8A7b", PAIR[6:30]) if part in text]
