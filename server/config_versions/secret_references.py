"""Secrets of a configuration: named as `vault:NAME`, never written into it. What looks like one is refused before anything keeps it."""

import re
from collections.abc import Iterator, Mapping

from oauth.vault.named_secrets import REFERENCE, named_in
from tools.operation import Json
from tools.text.secrets_in_text import redact
from tools.versioned_documents.faults import ConfigFault, place_of

WAY_OUT = 'write "vault:NAME" here and put it there with `ascend vault put NAME`'
#: such members hold secrets; `key_id` and `public_key` do not
_SECRET_MEMBER = re.compile(r"(?i)(?:^|[_-])(?<!public[_-])(?:api_?keys?|keys?|tokens?|secrets?|passwords?|credentials?|authorization)$")
#: how those who hand out secrets write theirs
_KNOWN_FORMS = re.compile(
    r"\b(?:sk|pk|rk)[_-](?:live|test|proj|ant)[_-]\w{8}|\bgh[pousr]_\w{20}|\bgithub_pat_\w{20}|\bxox[abeoprs]-[\w-]{10}|\bwhsec_[\w+/=]{16}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b|\bAIza[\w-]{30}|\bglpat-[\w-]{16}|-----BEGIN |AGE-SECRET-KEY-|\b\d{8,12}:[\w-]{35}\b"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/\w|discord(?:app)?\.com/api/webhooks/\d|api\.telegram\.org/bot\d"
    r"|://[^/\s@]*:[^/\s@]+@|[?&](?:key|token|sig|signature|secret|password|access_token)=",
)
#: a run of characters that nobody types: long, and of all kinds, or hexadecimal
_RANDOM = re.compile(r"(?=[^\s]*[a-z])(?=[^\s]*[A-Z])(?=[^\s]*\d)[A-Za-z0-9+/_=-]{28,}|[0-9a-fA-F]{32,}")
_BETWEEN = re.compile(r"[/?&=:@#,;\s]+")


def references_in(document: Json) -> Iterator[tuple[str, str]]:
    """Yield place and name of every secret that is named."""
    for place, _name, value in _texts(document, ()):
        if (name := named_in(value)) is not None:
            yield place, name


def secret_faults(document: Json) -> Iterator[ConfigFault]:
    """Yield every text that is a secret, or may well be one, and every reference that names nothing."""
    for place, name, value in _texts(document, ()):
        if named_in(value) is not None:
            continue
        if value.startswith(REFERENCE):
            yield ConfigFault(place, "is no reference; a name has up to 100 of a-z, 0-9, '.', '_' and '-', as in \"vault:slack-ops\"")
        elif _SECRET_MEMBER.search(name):
            yield ConfigFault(place, f"holds secrets, and those do not belong in the configuration; {WAY_OUT}")
        elif looks_like_a_secret(value):
            yield ConfigFault(place, f"looks like a secret, and those do not belong in the configuration; {WAY_OUT}")


def looks_like_a_secret(text: str) -> bool:
    """Say whether a text is better not kept or shown."""
    # Addresses of chats and flows have theirs as a part of the path.
    pieces = (text, *_BETWEEN.split(text))
    return _KNOWN_FORMS.search(text) is not None or any(map(_RANDOM.fullmatch, pieces)) or redact(text) != text


def _texts(value: Json, parts: tuple[str | int, ...]) -> Iterator[tuple[str, str, str]]:
    """Yield every text with its place and the name of the member that it is of, or that its list is of."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _texts(member, (*parts, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _texts(member, (*parts, index))
    elif isinstance(value, str):
        yield place_of(parts), next((part for part in reversed(parts) if isinstance(part, str)), ""), value
