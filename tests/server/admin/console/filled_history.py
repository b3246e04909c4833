"""A history that was filled: calls of days, told apart by tenant, with a bad hour, and token exchanges beside them."""

import random
from collections.abc import Iterator

from oauth.token import TokenExchange
from server.storage.history.rollups import DAY_US, HOUR_US
from server.storage.store import Store
from tests.contracts.ai_gateway.model_calls import call
from tests.server.admin.console.stand_in_nouns import NOW_US
from tools.ai_gateway.stores import ClosedCall
from tools.stores import CallRecord

OPERATIONS = ("crm.contacts.list", "crm.contacts.update", "mail.messages.send", "billing.invoices.get", "search.web")
#: a plan with steps and a model call
TRACE = "019e703d" + "f" * 24
TENANTS = ("default", "acme", "globex")
FAILURES = (
    ("upstream_error", "upstream", "answered 503"),
    ("invalid_arguments", "caller", "due_date is no date"),
    ("timeout", "ours", "took 30 s"),
)


def records(count: int, days: float, seed: int = 1) -> Iterator[CallRecord]:
    """Yield calls over the days before NOW_US, more by day than by night; one hour yesterday was bad."""
    chance = random.Random(seed)
    for number in range(count):
        at_us = NOW_US - int(days * DAY_US * (1 - number / count)) + 1
        is_night = (at_us // HOUR_US) % 24 < 6
        if is_night and chance.random() < 0.6:
            continue
        is_bad_hour = NOW_US - 10 * HOUR_US < at_us < NOW_US - 8 * HOUR_US
        failed = chance.random() < (0.12 if is_bad_hour else 0.008)
        code, of, reason = chance.choices(FAILURES, (6, 3, 1))[0]
        duration = chance.lognormvariate(4.1, 0.8) * (3 if is_bad_hour else 1)
        yield CallRecord(
            tenant_id=chance.choice(TENANTS),
            tool="call_api",
            operation=chance.choice(OPERATIONS),
            auth_method="access_token",
            duration_ms=duration,
            success=not failed,
            error_code=code if failed else None,
            trace_id=((at_us // 1_000 << 80) | chance.getrandbits(80)).to_bytes(16).hex(),
            subject=f"s{chance.randrange(9)}",
            client_id="https://assistant.example/client.json",
            called_at_us=at_us,
            error_class=of if failed else "",
            upstream_ms=duration * 0.93,
            upstream_status=503 if failed else 200,
            reason=reason if failed else "",
        )


def on_record(count: int, days: float) -> Iterator[CallRecord]:
    """Yield every call that `fill` writes."""
    yield from records(count, days)
    yield from of_one_trace()


async def fill(store: Store, count: int = 4_000, days: float = 30) -> None:
    """Write calls and token exchanges as the gateway writes them."""
    found = list(on_record(count, days))
    for first in range(0, len(found), 2_000):
        await store.calls.append_calls(found[first : first + 2_000])
    chance = random.Random(2)
    exchanges = []
    for hour in range(int(days * 24)):
        at = NOW_US / 1_000_000 - 3_600 * hour
        for _ in range(chance.randrange(3, 12)):
            outcome = "invalid_grant" if chance.random() < 0.04 else "issued"
            exchanges.append(TokenExchange(at, 4.0, "refresh_token", outcome, chance.choice(TENANTS)))
    await store.token_hours.add(exchanges)
    spent = []
    for number in range(count // 4):
        at_us = NOW_US - int(days * DAY_US * chance.random())
        cost = int(chance.lognormvariate(15, 1))
        spent.append(ClosedCall(call(at_us=at_us, tenant_id=chance.choice(TENANTS), cost_nano_usd=cost, trace_id=f"{number:032x}")))
    await store.model_calls.append(spent)
    mark = call(at_us=NOW_US - 61_780_000, tenant_id="acme", trace_id=TRACE, ms=640.0, overhead_ms=3.0, model="big-model")
    await store.model_calls.append([ClosedCall(mark)])


def of_one_trace() -> Iterator[CallRecord]:
    """Yield a plan of three steps, of which the last failed, a minute ago."""
    began_us = NOW_US - 62_000_000
    for step, operation, after_ms, ms, code in (
        ("find", "crm.contacts.list", 12, 180.0, None),
        ("ask", "llm.invoke", 200, 710.0, None),
        ("send", "mail.messages.send", 915, 96.0, "upstream_error"),
        ("", "batch_execute", 0, 1_020.0, None),
    ):
        yield CallRecord(
            tenant_id="acme",
            tool="batch_execute",
            operation=operation,
            auth_method="access_token",
            duration_ms=ms,
            success=code is None,
            error_code=code,
            trace_id=TRACE,
            subject="s1",
            client_id="https://assistant.example/client.json",
            called_at_us=began_us + int(1_000 * (after_ms + ms)),
            error_class="upstream" if code else "",
            upstream_ms=ms * 0.9 if step else None,
            upstream_status=503 if code else 200,
            reason="mail.example answered 503: try again later" if code else "",
            step=step,
        )
