"""Operation, Call, Outcome: the unit that is found, permitted, run and recorded."""

import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Protocol

from oauth.principal import Principal
from tools.upstream_time import UpstreamTime
from tools.value_objects import value_object

Access = Literal["read", "write", "destructive"]
Kind = Literal["openapi", "mcp", "builtin"]
Status = Literal["ok", "error", "needs_connection", "needs_confirmation"]
PageMode = Literal["one", "all", "max"]
#: a value as JSON has it
Json = Any
#: what stands in place of an account's secret in what an upstream sent
REDACTED = "***"


@dataclass(frozen=True, slots=True)
class Paging:
    """How an operation pages: which argument moves on, and where the answer says what comes next.

    `style` cursor: `argument` takes the value found at `next_path`. page and offset: `argument` takes a number.
    link: the `Link` header's rel=next URL is followed (RFC 8288). Paths are JMESPath over the answer.
    """

    style: Literal["cursor", "page", "offset", "link"]
    argument: str | None
    items_path: str | None
    next_path: str | None = None
    size_argument: str | None = None


@dataclass(frozen=True, slots=True)
class Operation:
    """Something that a principal can run, whatever brought it: an OpenAPI document, an MCP server, ourselves.

    `id` is unique within what one tenant sees: `provider.resource.verb`. `tenant_id` None means shared by all tenants.
    `binding` is JSON that only the runner of `kind` reads. `content_hash` changes when anything a caller relies on changes.
    """

    id: str
    kind: Kind
    provider: str
    tenant_id: str | None
    title: str
    summary: str
    description: str
    access: Access
    idempotent: bool
    input_schema: Mapping[str, Json]
    output_schema: Mapping[str, Json] | None
    signature: str
    returns: str
    tags: tuple[str, ...]
    binding: Mapping[str, Json]
    content_hash: str
    paging: Paging | None = None
    #: connection provider whose account this operation is called with; None where it needs none
    connection: str | None = None
    #: scopes at that provider
    connection_scopes: frozenset[str] = frozenset()
    example: Mapping[str, Json] | None = None
    deprecated: bool = False
    #: the scope a token needs to run this: `crm:read`, which `mcp:read` covers too; a built-in may name its own
    required_scope: str = field(init=False, repr=False, compare=False)
    #: whether it runs others through the door: it is not itself confirmed, keyed, timed or shortened
    reenters: bool = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        own = self.binding if self.kind == "builtin" else {}
        # One text for all operations of a provider that need it.
        object.__setattr__(self, "required_scope", sys.intern(own.get("scope") or f"{self.provider}:{self.access}"))
        object.__setattr__(self, "reenters", bool(own.get("reenters")))


@dataclass(frozen=True, slots=True)
class ClientInfo:
    """What the MCP client said of itself with this request: how a question reaches the person, whether it polls for what lasts."""

    protocol_version: str
    elicits_url: bool = False
    name: str = ""
    version: str = ""
    elicits_form: bool = False
    takes_tasks: bool = False


@value_object
class PageRequest:
    mode: PageMode = "one"
    max_items: int | None = None
    cursor: str | None = None


@value_object
class CallOptions:
    """How to run one operation, beside its arguments. `max_chars` None: do not shorten (a batch step, a workflow)."""

    account: str | None = None
    select: str | Sequence[str] | None = None
    page: PageRequest | None = None
    max_chars: int | None = None
    dry_run: bool = False
    idempotency_key: str | None = None
    confirm: str | None = None
    timeout_s: float = 30.0
    step: str = ""  # of a plan, for the record


@value_object
class Directions:
    """What the gateway itself adds on the way to how an operation runs; no caller can ask for it."""

    account_id: str | None = None  # by the door, for what is not read: the account, which its name may stand for no longer
    follow: str | None = None  # by the pager: the URL of the next page, fetched if it is of the same origin
    restore: str | None = None  # by the pager, for a cursor that held a secret: the argument in which *** is that secret again
    if_none_match: str | None = None  # by the response cache: the validator of what it holds (RFC 9110 §13.1.2)


NO_DIRECTIONS = Directions()


@value_object
class ResponseMeta:
    """What the upstream's HTTP said: status, its request id, its rate limit, and the rel=next link.

    `headers`: the whole response header, names in lower case, for the response cache; never shown to the caller.
    `told`: the fields of it that the caller sees, as `http.headers`; `location`: where its Location leads, absolute.
    """

    status: int
    request_id: str | None = None
    rate_limit: Mapping[str, Json] | None = None
    next_link: str | None = None
    headers: Mapping[str, str] | None = field(default=None, repr=False)
    told: Mapping[str, str] | None = None
    location: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a call gave no data, for the model (`message`, `hint`) and for programs (`code`)."""

    code: str
    message: str
    retryable: bool = False
    retry_after_s: float | None = None
    #: the upstream's own answer, untouched: {status, body}
    upstream: Mapping[str, Json] | None = None
    did_you_mean: tuple[str, ...] = ()
    hint: str | None = None
    #: argument faults: [{path, value, rule, example}]
    faults: tuple[Mapping[str, Json], ...] = ()
    #: scopes that the caller lacks; the edge turns them into a 403 step-up
    missing_scopes: frozenset[str] = frozenset()
    #: False: it is known that nothing of the request went out (tools/effects.py)
    sent: bool = True
    #: the upstream itself said no: it refused the request before it acted, or its tool reports that it failed
    declined: bool = False


@dataclass(frozen=True, slots=True)
class Download:
    """An answer that is no JSON: a file. As `Outcome.data` it reaches the caller as a handle, with its size and media type."""

    body: bytes = field(repr=False)
    media_type: str
    filename: str | None = None


@value_object
class Page:
    next_cursor: str | None
    has_more: bool
    items: int | None


@value_object
class Size:
    total_bytes: int
    returned_chars: int


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """What the person must do before the call can run: open `url` and connect an account of `provider`."""

    provider: str
    status: str
    url: str
    message: str


@dataclass(frozen=True, slots=True)
class Confirmation:
    """What the person must agree to; the same call with `confirm=token` then runs. Bound to the exact call."""

    token: str
    message: str
    expires_in_s: int


@value_object
class Outcome:
    """What became of a call. `bare`: `data` is the whole answer on the wire (discover_apis, batch_execute)."""

    status: Status
    data: Json = None
    page: Page | None = None
    size: Size | None = None
    handle: str | None = None
    http: ResponseMeta | None = None
    error: Failure | None = None
    connection: ConnectionRequest | None = None
    confirmation: Confirmation | None = None
    bare: bool = False
    #: what the model reads in place of JSON, where words are shorter (discover_apis)
    text: str | None = None
    #: what the caller should know: of the answer (from the record, not the last page), and of the request (what it was taken as)
    note: str | None = None
    notes: tuple[str, ...] = ()
    trace_id: str | None = None
    task: str | None = None  #: long work that it began and that goes on: prefix of its kind and its name (tools/long_work.py)
    #: `data` as JSON in UTF-8, where it was encoded to be measured: these bytes go out
    data_json: bytes | None = field(default=None, repr=False, compare=False)

    def noting(self, notes: tuple[str, ...]) -> "Outcome":
        """Return the same with `notes` before its own."""
        return replace(self, notes=(*notes, *self.notes))


class Again(Protocol):
    """The dispatcher as a value: run another operation for the same principal, through the same door."""

    async def __call__(self, operation_id: str, arguments: Mapping[str, Json], options: CallOptions = ...) -> Outcome: ...


#: (done, total or None, message or None)
Progress = Callable[[float, float | None, str | None], Awaitable[None]]


async def no_progress(done: float, total: float | None, message: str | None) -> None:
    """Report to nobody."""


@value_object
class Call:
    """One invocation, permitted and validated. `tool`: what the client called. `deadline`: by the loop's monotonic clock."""

    principal: Principal
    operation: Operation
    arguments: Mapping[str, Json]
    options: CallOptions
    tool: str
    trace_id: str
    deadline: float
    client: ClientInfo
    again: Again
    progress: Progress = field(default=no_progress)
    directions: Directions = NO_DIRECTIONS
    notes: tuple[str, ...] = ()
    upstream: UpstreamTime = field(default_factory=UpstreamTime)  # filled in by its runner


class Runner(Protocol):
    """Runs the operations of one kind. Raises nothing for what an upstream may do: that is an Outcome.

    `keeps_time`: it ends by the call's deadline of its own accord, so that nobody has to cancel it.
    """

    @property
    def keeps_time(self) -> bool: ...

    def run(self, call: Call) -> Awaitable[Outcome]: ...

    async def preview(self, call: Call) -> Json:
        """Return the exact request that `run` would send, secrets masked (`dry_run`). Raises ToolError and UnknownConnection."""
        ...
