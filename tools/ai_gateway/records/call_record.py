"""The one row that every model call leaves: log and ledger in one. No words of anybody are in it, unless tenant and caller both say so."""

from collections.abc import Mapping
from dataclasses import field
from typing import Literal

from tools.ai_gateway.model_request import Surface
from tools.ai_gateway.payloads.call_payload import CallPayload
from tools.ai_gateway.token_usage import TokenUsage
from tools.operation import Json
from tools.value_objects import value_object

CallEnd = Literal["ok", "error", "cancelled", "interrupted"]
CacheStatus = Literal["hit", "semantic", "miss", "bypass"]


@value_object
class TargetAttempt:
    """One try at one target; `status` 0 where there was no answer."""

    model: str
    status: int
    error: str
    ms: float


@value_object
class ModelCallRecord:
    """What happened, as the contract's log row says it."""

    id: str
    at_us: int
    tenant_id: str
    gateway: str
    key_id: str
    user: str
    route: str
    requested: str
    #: of the target that answered, or was tried last; "" where none was
    provider: str
    model: str
    status: int
    outcome: CallEnd
    is_stream: bool
    attempts: tuple[TargetAttempt, ...]
    cache: CacheStatus
    experiment: str
    usage: TokenUsage
    #: billionths of a dollar; None where no price is known
    cost_nano_usd: int | None
    #: the date from which the price held; "" where none is known
    price_from: str
    ttft_ms: float | None
    ms: float
    overhead_ms: float
    metadata: Mapping[str, Json] = field(default_factory=dict)
    trace_id: str = ""
    decision: tuple[str, ...] = ()
    #: what was asked and answered; None: it was not asked for, or the tenant does not allow it
    payload: CallPayload | None = None
    #: told to who watches, not kept
    surface: Surface = "chat"
