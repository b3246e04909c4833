"""What an address asks of a list is read the same by every face, and what it cannot mean is refused with the rule and the way out."""

from typing import Any

import pytest

from oauth.administration.roles import Role
from server.admin.administrators import Administrator
from server.admin.lists.list_query import list_query
from server.admin.refusals import AdminRefused
from server.admin.resource import Column, Filter, ListQuery, Resource, Rows, Span

NOW = 1_800_000_000 * 1_000_000
HOUR = 3_600 * 1_000_000


async def no_rows(_who: Administrator, _query: ListQuery) -> Rows:
    return Rows(())


LIST = Resource(
    name="calls",
    title="Calls",
    columns=(Column(name="at", title="When", kind="time"),),
    rows=no_rows,
    filters=(
        Filter(name="class", title="Class", choices=("ours", "caller")),
        Filter(name="failed", title="Failed", is_flag=True),
        Filter(name="operation", title="Operation"),
    ),
    default_range="24h",
)


def who(*, reaches_gateway: bool = True) -> Administrator:
    return Administrator(tenant_id="acme", subject="s", by="ada", role=Role.AUDITOR, reaches_gateway=reaches_gateway)


def read(text: str, administrator: Administrator | None = None, **more: Any) -> ListQuery:
    pairs = [tuple(each.split("=", 1)) for each in text.split("&") if each]
    return list_query(administrator or who(), LIST, [(name, value) for name, value in pairs], NOW, **more)


def test_an_address_without_anything_asks_for_the_last_day_and_fifty_rows() -> None:
    assert read("") == ListQuery(span=Span(from_us=NOW - 24 * HOUR, to_us=NOW, said="24h"), limit=50)
    # As a form sends what nobody filled in.
    assert read("tenant=&range=&class=&failed=&cursor=&limit=") == read("")


def test_spans_are_so_long_ago_or_two_times() -> None:
    assert read("range=90m").span == Span(from_us=NOW - 90 * 60 * 1_000_000, to_us=NOW, said="90m")
    day = read("from=2026-11-27&to=2026-11-28T12:00:00Z").span
    assert (day.to_us - day.from_us, day.said) == (36 * HOUR, "")
    assert read("to=2026-11-28T00:00:00Z").span.from_us == read("from=2026-11-27").span.from_us


def test_filters_are_read_and_what_is_turned_off_is_none() -> None:
    assert read("class=ours&failed=true&operation=crm.contacts.list").filters == {
        "class": "ours",
        "failed": "true",
        "operation": "crm.contacts.list",
    }
    assert read("failed=false").filters == {}


@pytest.mark.parametrize(
    "asked",
    [
        "range=24",
        "range=0h",
        "range=99999w",
        "range=24h&from=2026-11-27",
        "from=yesterday",
        "from=2026-11-28&to=2026-11-27",
        "from=0001-01-01",
        "class=theirs",
        "failed=yes",
        "operation=a\x00b",
        "operation=" + "x" * 201,
        "limit=0",
        "limit=201",
        "limit=-1",
        "limit=٣",
        "limit=" + "9" * 5_000,
        "limit=0000000019999",
        "limit=000000001" + "9" * 5_000,
        "cursor=" + "x" * 1_001,
        "tenants=acme",
        "tenant=acme&tenant=globex",
        "class=ours&class=caller",
    ],
)
def test_what_an_address_cannot_mean_is_refused_by_name(asked: str) -> None:
    with pytest.raises(AdminRefused) as refused:
        read(asked)
    assert refused.value.status == 400
    assert asked.partition("=")[0] in refused.value.message


def test_a_list_without_time_takes_no_span() -> None:
    timeless = Resource(name="tenants", title="Tenants", columns=(), rows=no_rows)
    assert list_query(who(), timeless, [], NOW).span == Span(from_us=0, to_us=NOW)
    with pytest.raises(AdminRefused):
        list_query(who(), timeless, [("range", "24h")], NOW)


def test_a_tenants_administrator_asks_for_their_own_rows_whatever_they_say() -> None:
    narrow = who(reaches_gateway=False)
    assert read("", narrow).tenant_id == "acme"
    assert read("tenant=acme", narrow).tenant_id == "acme"
    with pytest.raises(AdminRefused) as refused:
        read("tenant=globex", narrow)
    assert refused.value.status == 403
    assert read("tenant=globex").tenant_id == "globex"
    assert read("").tenant_id is None


def test_a_face_reads_parameters_of_its_own() -> None:
    assert read("format=csv", others=("format",)) == read("")
    assert read("limit=10000", max_limit=10_000).limit == 10_000
