"""Pages, of every style, put together without a gap and without a repetition."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.tools.stand_ins import ADA, BOB, DispatcherInMemory, gateway, operation
from tools.dispatch.pages.paging import Place, path_names, read_place
from tools.operation import Call, Failure, Json, Operation, Outcome, Paging, ResponseMeta

STYLES = ("cursor", "page", "offset", "link")
_INTEGER = {"type": "integer"}


class Upstream:
    """A list of numbers that pages the way `style` says."""

    def __init__(self, style: str, count: int, default_size: int, *, largest: int | None = None, knows_total: bool = False) -> None:
        self.style, self.items, self.default_size, self.knows_total = style, list(range(count)), default_size, knows_total
        self.largest = largest
        self.calls = 0

    def operation(self) -> Operation:
        argument = {"cursor": "after", "page": "page", "offset": "offset", "link": None}[self.style]
        size = {"type": "integer", "maximum": self.largest} if self.largest else {"type": "integer", "default": self.default_size}
        properties: dict[str, Json] = {"limit": size, "page": _INTEGER, "offset": _INTEGER, "after": {"type": "string"}}
        next_path = "paging.next" if self.style == "cursor" else None
        paging = Paging(self.style, argument, "results", next_path, "limit")  # type: ignore[arg-type]  # one of the four
        return operation(f"crm.{self.style}.list", schema={"type": "object", "properties": properties}, paging=paging)

    async def answer(self, call: Call) -> Outcome:
        self.calls += 1
        size = min(call.arguments.get("limit", self.default_size), self.largest or 10_000)
        if self.style == "cursor":
            start = int(call.arguments.get("after", "c0").removeprefix("c"))
        elif self.style == "page":
            start = (call.arguments.get("page", 1) - 1) * size
        elif self.style == "offset":
            start = call.arguments.get("offset", 0)
        else:
            link = call.directions.follow or f"https://up.test/list?start=0&size={size}"
            start, size = (int(part.partition("=")[2]) for part in link.partition("?")[2].split("&"))
        data: dict[str, Any] = {"results": self.items[start : start + size], "paging": {}}
        is_more = start + size < len(self.items)
        if self.style == "cursor" and is_more:
            data["paging"]["next"] = f"c{start + size}"
        if self.knows_total:
            data["total"] = len(self.items)
        link_header = f"https://up.test/list?start={start + size}&size={size}" if is_more and self.style == "link" else None
        return Outcome("ok", data=data, http=ResponseMeta(200, next_link=link_header))


async def house_of(upstream: Upstream) -> tuple[DispatcherInMemory, str]:
    listed = upstream.operation()
    house = await gateway([listed])
    house.runner.answers[listed.id] = upstream.answer
    return house, listed.id


async def ask(house: DispatcherInMemory, name: str, page: Json, **more: Json) -> Outcome:
    outcome = await house.call("call_api", {"api": name, "page": page, "max_chars": 500_000, **more})
    assert outcome.status == "ok", outcome
    return outcome


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("count", [0, 1, 7, 10, 23])
async def test_all_brings_every_item_once_in_the_shape_of_one_page(style: str, count: int) -> None:
    """three-tools.md: page {all}; select means the same as for one page."""
    house, name = await house_of(Upstream(style, count, 5))
    outcome = await ask(house, name, {"mode": "all"})
    assert outcome.data["results"] == list(range(count))
    assert outcome.page is not None
    assert (outcome.page.has_more, outcome.page.next_cursor, outcome.page.items) == (False, None, count)
    assert (await ask(house, name, {"mode": "all"}, select="length(results)")).data == count


@examples(60)
@given(
    style=st.sampled_from(STYLES),
    count=st.integers(0, 60),
    default_size=st.integers(1, 9),
    largest=st.one_of(st.none(), st.integers(1, 12)),
    knows_total=st.booleans(),
    wanted=st.lists(st.integers(1, 20), min_size=1, max_size=12),
)
async def test_reading_on_by_next_cursor_neither_skips_nor_repeats(
    style: str, count: int, default_size: int, largest: int | None, knows_total: bool, wanted: list[int]
) -> None:
    """`max` may stop inside a page of the upstream; the cursor that it gives goes on at the next item."""
    house, name = await house_of(Upstream(style, count, default_size, largest=largest, knows_total=knows_total))
    seen: list[int] = []
    page: dict[str, Json] = {}
    for position in range(200):
        how_many = wanted[position % len(wanted)]
        outcome = await ask(house, name, {**page, "mode": "max", "max_items": how_many})
        assert len(outcome.data["results"]) <= how_many
        seen += outcome.data["results"]
        assert outcome.page is not None
        if not outcome.page.has_more:
            break
        page = {"cursor": outcome.page.next_cursor}
    assert seen == list(range(count))


@pytest.mark.parametrize("style", STYLES)
async def test_one_page_after_the_other_covers_the_list(style: str) -> None:
    """three-tools.md: page {one, cursor}."""
    house, name = await house_of(Upstream(style, 12, 5))
    seen: list[int] = []
    page: dict[str, Json] = {}
    while True:
        outcome = await ask(house, name, page)
        seen += outcome.data["results"]
        assert outcome.page is not None
        if not outcome.page.has_more:
            break
        page = {"cursor": outcome.page.next_cursor}
    assert seen == list(range(12))


async def test_the_largest_allowed_page_is_asked_for_when_all_is_wanted() -> None:
    """Fewer calls for the same list; never more items than wanted in all."""
    upstream = Upstream("cursor", 250, 10, largest=100)
    house, name = await house_of(upstream)
    await ask(house, name, {"mode": "all"})
    assert upstream.calls == 3
    await ask(house, name, {"mode": "max", "max_items": 7})
    assert house.runner.calls[-1].arguments["limit"] == 7


async def test_a_page_that_fails_later_leaves_what_came_before_and_the_way_on() -> None:
    """Nothing is lost or cut silently: a note says why, next_cursor goes on."""
    upstream = Upstream("offset", 20, 5)
    house, name = await house_of(upstream)

    async def failing(call: Call) -> Outcome:
        if call.arguments.get("offset", 0) >= 10:
            return Outcome("error", error=Failure("upstream_error", "crm answered 503"))
        return await upstream.answer(call)

    house.runner.answers[name] = failing
    outcome = await ask(house, name, {"mode": "all"})
    assert outcome.data["results"] == list(range(10))
    assert outcome.note is not None
    assert "503" in outcome.note
    house.runner.answers[name] = upstream.answer
    assert outcome.page is not None
    rest = await ask(house, name, {"mode": "all", "cursor": outcome.page.next_cursor})
    assert rest.data["results"] == list(range(10, 20))


async def test_an_upstream_whose_cursors_never_end_is_left_after_so_many_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every page is new and small: the count of pages ends it, and next_cursor goes on."""
    monkeypatch.setattr("tools.dispatch.pages.pager.MAX_PAGES", 7)
    upstream = Upstream("cursor", 10_000, 1)
    house, name = await house_of(upstream)
    outcome = await ask(house, name, {"mode": "all"})
    assert (upstream.calls, len(outcome.data["results"])) == (7, 7)
    assert "stopped after 7 pages" in (outcome.note or "")
    assert outcome.page is not None
    assert outcome.page.has_more
    rest = await ask(house, name, {"mode": "all", "cursor": outcome.page.next_cursor})
    assert rest.data["results"][0] == 7


async def test_an_upstream_that_repeats_its_pages_does_not_hold_the_call_for_ever() -> None:
    """A page argument that the upstream ignores."""
    upstream = Upstream("offset", 5, 5)
    house, name = await house_of(upstream)

    async def deaf(call: Call) -> Outcome:
        return Outcome("ok", data={"results": [1, 2, 3, 4, 5]})

    house.runner.answers[name] = deaf
    outcome = await ask(house, name, {"mode": "all"})
    assert outcome.data["results"] == [1, 2, 3, 4, 5]
    assert outcome.note is not None
    assert "not to page" in outcome.note
    assert len(house.runner.calls) == 2


async def test_a_next_page_address_is_a_sealed_cursor_for_its_owner_only() -> None:
    """Otherwise whoever may run one read could have the gateway fetch any path of that upstream."""
    house, name = await house_of(Upstream("link", 12, 5))
    outcome = await ask(house, name, {})
    assert outcome.page is not None
    cursor = outcome.page.next_cursor
    assert cursor is not None
    assert "up.test" not in cursor
    changed = cursor[:-9] + ("y" if cursor[-9] == "x" else "x") + cursor[-8:]
    for wrong, principal in (("https://up.test/admin", ADA), (changed, ADA), (cursor, BOB)):
        refused = await house.call("call_api", {"api": name, "page": {"cursor": wrong}}, principal)
        assert refused.error is not None
        assert refused.error.code == "invalid_cursor"


async def test_a_cursor_that_is_no_number_is_refused_before_anything_is_sent() -> None:
    """Bad input is normal input."""
    house, name = await house_of(Upstream("page", 12, 5))
    outcome = await house.call("call_api", {"api": name, "page": {"cursor": "next please"}})
    assert outcome.error is not None
    assert outcome.error.code == "invalid_cursor"
    assert house.runner.calls == []


async def test_an_operation_that_does_not_page_says_so() -> None:
    """A caller that asked for all learns that this is all."""
    house = await gateway([operation("crm.stages.list")])
    outcome = await house.call("call_api", {"api": "crm.stages.list", "page": {"mode": "all"}})
    assert outcome.note == "'crm.stages.list' does not page; this is its whole answer"


@given(cursor=st.one_of(st.none(), st.text()), skip=st.integers(0, 999_999), size=st.one_of(st.none(), st.integers(1, 999_999)))
def test_a_place_survives_its_own_cursor(cursor: str | None, skip: int, size: int | None) -> None:
    """Whatever an upstream uses as a cursor, ours names the same place."""
    place = Place(cursor or None, skip, size)
    assert read_place(place.render()) == place


@pytest.mark.parametrize(
    ("path", "names"),
    [("results", ["results"]), ('data."odd-name"', ["data", "odd-name"]), ("a[0].b", None), ("a.", None), ('"a.b"', ["a.b"])],
)
def test_a_path_that_only_goes_down_is_read_as_its_names(path: str, names: list[str] | None) -> None:
    """items_path is JMESPath; only simple ones can be written to."""
    assert path_names(path) == names
