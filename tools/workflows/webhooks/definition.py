"""A file that configures webhooks (`[[webhooks]]` in TOML) -> what it says, or everything that is wrong with it."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from oauth.vault.named_secrets import named_in
from tools.near_names import near
from tools.plain_text import written_out
from tools.workflows.webhooks.errors import WebhookFault, WebhooksInvalid
from tools.workflows.webhooks.kept import BODY_KEPT_DAYS
from tools.workflows.webhooks.schemes.generic import BODY, ID, TIMESTAMP, GenericHmac
from tools.workflows.webhooks.schemes.known import GENERIC, NAMES
from tools.workflows.webhooks.webhook import MAX_SECRETS
from tools.workflows.workflow import is_workflow_name

MAX_FILE_BYTES = 256 * 1024
TO_WORKFLOW = "workflow:"
#: a path segment of `/hooks/{source}`
_SOURCE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
#: RFC 9110 §5.6.2
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_MEMBERS = re.compile(r"[^.\s]{1,60}(?:\.[^.\s]{1,60}){0,5}")
_PARTICULARS = (
    "header",
    "algorithm",
    "encoding",
    "prefix",
    "signs",
    "timestamp_header",
    "id_header",
    "type_header",
    "id_path",
    "type_path",
)


class HookTable(BaseModel):
    """One `[[webhooks]]`: what is to be known of it before anything else is looked up."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    source: str
    scheme: str
    secrets: Annotated[list[str], Field(min_length=1, max_length=MAX_SECRETS)]
    to: str
    #: whose connections the run uses: an e-mail address
    acts_for: str | None = None
    scopes: Annotated[list[str], Field(max_length=100)] | None = None
    body_kept_days: Annotated[int, Field(ge=1, le=BODY_KEPT_DAYS)] = BODY_KEPT_DAYS
    header: str | None = None
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] | None = None
    encoding: Literal["hex", "base64"] | None = None
    prefix: Annotated[str, Field(max_length=40)] | None = None
    signs: Annotated[str, Field(max_length=100)] | None = None
    timestamp_header: str | None = None
    id_header: str | None = None
    type_header: str | None = None
    id_path: str | None = None
    type_path: str | None = None

    @property
    def workflow(self) -> str:
        return self.to.removeprefix(TO_WORKFLOW)

    @property
    def generic(self) -> GenericHmac | None:
        """What the scheme `hmac` is told; None for another."""
        if self.scheme != GENERIC or self.header is None:
            return None
        return GenericHmac(
            header=self.header,
            algorithm=self.algorithm or "sha256",
            encoding=self.encoding or "hex",
            prefix=self.prefix or "",
            signs=self.signs or (f"{TIMESTAMP}.{BODY}" if self.timestamp_header else BODY),
            timestamp_header=self.timestamp_header or "",
            id_header=self.id_header or "",
            type_header=self.type_header or "",
            id_path=tuple(self.id_path.split(".")) if self.id_path else (),
            type_path=tuple(self.type_path.split(".")) if self.type_path else (),
        )


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    webhooks: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=200)]


def read_webhooks(raw: bytes) -> list[HookTable]:
    """Return the tables of a file. Raises WebhooksInvalid with every fault at once."""
    if len(raw) > MAX_FILE_BYTES:
        raise _whole(f"the file has {len(raw):,} bytes; {MAX_FILE_BYTES:,} are the most")
    try:
        document = tomllib.loads(raw.decode())
        tables = _File.model_validate(document).webhooks
    except UnicodeDecodeError as error:
        raise _whole(f"the file is not UTF-8 (at byte {error.start})") from error
    except tomllib.TOMLDecodeError as error:
        raise _whole(f"the file is not TOML: {error}") from error
    except ValidationError as error:
        raise WebhooksInvalid([_worded(each, "") for each in error.errors(include_input=False)]) from error
    except RecursionError as error:
        raise _whole("the file is nested too deeply") from error
    found: list[HookTable] = []
    faults: list[WebhookFault] = []
    for index, table in enumerate(tables):
        place = f"webhooks[{index}]"
        try:
            hook = HookTable.model_validate(table)
        except ValidationError as error:
            faults += [_worded(each, place) for each in error.errors(include_input=False)]
            continue
        found.append(hook)
        faults += [WebhookFault(f"{place}.{name}", message) for name, message in _faults(hook)]
        if hook.source in (earlier.source for earlier in found[:-1]):
            faults.append(WebhookFault(f"{place}.source", f"{hook.source!r} is there twice; each source has one address"))
    if faults:
        raise WebhooksInvalid(faults)
    return found


def _faults(hook: HookTable) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a table of the right form, as member and message."""
    if _SOURCE.fullmatch(hook.source) is None:
        yield "source", f"{_shown(hook.source)} is no name for an address; up to 63 of a-z, 0-9 and '-'"
    if hook.scheme not in NAMES:
        yield "scheme", f"{_shown(hook.scheme)} is none of {', '.join(NAMES)}{_meant(hook.scheme, NAMES)}"
    for index, secret in enumerate(hook.secrets):
        if named_in(secret) is None:
            # Not repeated: it may be the secret itself.
            yield f"secrets[{index}]", 'is no reference; write "vault:NAME" and put the secret there with `ascend vault put NAME`'
    if not hook.to.startswith(TO_WORKFLOW) or not is_workflow_name(hook.workflow):
        yield "to", f'{_shown(hook.to)} names no workflow; write "workflow:NAME"'
    if hook.scopes is not None and hook.acts_for is None:
        yield "scopes", "are of the person in acts_for; name one, or leave them out"
    yield from _generic_faults(hook)


def _generic_faults(hook: HookTable) -> Iterator[tuple[str, str]]:
    if hook.scheme != GENERIC:
        for name in _PARTICULARS:
            if getattr(hook, name) is not None:
                yield name, f'belongs to scheme = "{GENERIC}"; {hook.scheme} has it fixed'
        return
    if hook.header is None:
        yield "header", "is missing; name the header that carries the signature"
    for name in ("header", "timestamp_header", "id_header", "type_header"):
        said = getattr(hook, name)
        if said is not None and _HEADER.fullmatch(said) is None:
            yield name, f"{_shown(said)} is no name of a header"
    for name in ("id_path", "type_path"):
        said = getattr(hook, name)
        if said is not None and _MEMBERS.fullmatch(said) is None:
            yield name, f"{_shown(said)} is no path; write members with dots, like data.id"
    if hook.id_header and hook.id_path:
        yield "id_path", "stands beside id_header; one of them says the id"
    signs = hook.signs if hook.signs is not None else BODY
    if signs.count(BODY) != 1:
        yield "signs", f"must hold {BODY} once: what is not signed can be changed on the way"
    if hook.signs is not None and (TIMESTAMP in signs) != (hook.timestamp_header is not None):
        yield "signs", f"holds {TIMESTAMP} exactly where timestamp_header is set: a time that is not signed protects nothing"
    if ID in signs and hook.id_header is None:
        yield "signs", f"holds {ID} without id_header"


def _worded(error: ErrorDetails, place: str) -> WebhookFault:
    """Return a fault of form as a person reads it; what was written there is not repeated."""
    for part in error["loc"]:
        place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
    name = str(error["loc"][-1])
    if error["type"] == "missing":
        return WebhookFault(place, "is missing")
    if error["type"] == "extra_forbidden":
        known: Sequence[str] = tuple(HookTable.model_fields) if place.startswith("webhooks[") else ("webhooks",)
        return WebhookFault(written_out(place[:120]), f"is no setting; there are {', '.join(known)}{_meant(name, known)}")
    return WebhookFault(place, error["msg"][:1].lower() + error["msg"][1:])


def _meant(word: str, known: Sequence[str]) -> str:
    found = near(word, known, 1)
    return f"; did you mean {found[0]!r}?" if found else ""


def _shown(word: str) -> str:
    return repr(written_out(word if len(word) <= 60 else f"{word[:60]}…"))


def _whole(message: str) -> WebhooksInvalid:
    return WebhooksInvalid([WebhookFault("", message)])
