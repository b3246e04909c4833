"""The last page is known for the last, however an API says so, and nothing further is asked."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.tools.stand_ins import DispatcherInMemory, gateway, operation
from tools.dispatch.pages.page_signs import says_more
from tools.operation import Call, Failure, Json, Outcome, Paging
from tools.sources.response_headers import facts_of

SIZE, COUNT = 3, 6
#: (number of the page from 0, its rows, whether it is the last) -> body
Body = Callable[[int, list[Json], bool], Json]


def address(page: int) -> str:
    return f"https://up.test/list?page={page}"


def rows_of(page: int) -> list[Json]:
    return [{"id": number} for number in range(page * SIZE, min(COUNT, (page + 1) * SIZE))]


#: forms of one-based pages, each two pages of three
FROM_ONE: dict[str, Body] = {
    "next null": lambda page, rows, last: {"count": COUNT, "next": None if last else address(page + 2), "results": rows},
    "next empty": lambda page, rows, last: {"next": "" if last else address(page + 2), "results": rows},
    "next false": lambda page, rows, last: {"next": False if last else address(page + 2), "results": rows},
    "has_more": lambda page, rows, last: {"has_more": not last, "results": rows},
    "hasNextPage, nested": lambda page, rows, last: {"pageInfo": {"hasNextPage": not last}, "results": rows},
    "is_truncated": lambda page, rows, last: {"IsTruncated": not last, "results": rows},
    "last": lambda page, rows, last: {"last": last, "results": rows},
    "meta.next_page": lambda page, rows, last: {"meta": {"next_page": None if last else page + 2}, "results": rows},
    "total_pages": lambda page, rows, last: {"page": page + 1, "total_pages": 2, "results": rows},
    "laravel": lambda page, rows, last: {"current_page": page + 1, "last_page": 2, "results": rows},
    "laravel meta": lambda page, rows, last: {"meta": {"current_page": page + 1, "last_page": 2}, "results": rows},
    "pagination.pages": lambda page, rows, last: {"pagination": {"page": page + 1, "pages": 2}, "results": rows},
    "total": lambda page, rows, last: {"total": COUNT, "results": rows},
    "total and per_page": lambda page, rows, last: {"meta": {"total": COUNT, "per_page": SIZE}, "results": rows},
    "json:api links": lambda page, rows, last: {"links": {"self": "/", "next": None if last else "/?page=2"}, "results": rows},
    "hal": lambda page, rows, last: {"_links": {"first": "/", "last": "/"} | ({} if last else {"next": {"href": "/"}}), "results": rows},
    "list of links": lambda page, rows, last: {"links": [{"rel": "prev" if last else "next", "href": "/"}], "results": rows},
}
FROM_ZERO: dict[str, Body] = {
    "spring": lambda page, rows, last: {"results": rows, "totalElements": COUNT, "totalPages": 2, "last": last, "number": page},
    "spring without last": lambda page, rows, last: {"results": rows, "totalPages": 2, "number": page, "size": SIZE},
    "spring, nested": lambda page, rows, last: {"results": rows, "page": {"size": SIZE, "totalPages": 2, "number": page}},
    "algolia": lambda page, rows, last: {"results": rows, "page": page, "nbPages": 2},
}


class Pages:
    """An upstream of two pages that answers 404 beyond them, and remembers what was asked."""

    def __init__(self, body: Body, first: int, header: Callable[[bool], dict[str, str]] = lambda last: {}) -> None:
        self.body, self.first, self.header = body, first, header
        self.asked: list[Any] = []

    async def __call__(self, call: Call) -> Outcome:
        page = call.arguments.get("page", self.first) - self.first
        self.asked.append(call.arguments.get("page"))
        if not 0 <= page * SIZE < COUNT:
            return Outcome("error", error=Failure("upstream_not_found", "crm answered 404: Invalid page."))
        is_last = (page + 1) * SIZE >= COUNT
        return Outcome("ok", data=self.body(page, rows_of(page), is_last), http=facts_of(200, self.header(is_last), address(page)))


async def house_of(pages: Pages) -> DispatcherInMemory:
    listed = operation(
        "crm.things.list",
        schema={"type": "object", "properties": {"page": {"type": "integer"}}},
        paging=Paging("page", "page", "results"),
    )
    house = await gateway([listed])
    house.runner.answers[listed.id] = pages
    return house


def forms() -> list[Any]:
    return [pytest.param(body, 1, id=name) for name, body in FROM_ONE.items()] + [
        pytest.param(body, 0, id=name) for name, body in FROM_ZERO.items()
    ]


@pytest.mark.parametrize(("body", "first"), forms())
async def test_the_last_page_is_known_for_the_last_and_no_further_one_is_asked(body: Body, first: int) -> None:
    """Cases page-next-null and page-spring-last, and the other forms of the same."""
    pages = Pages(body, first)
    outcome = await (await house_of(pages)).call("call_api", {"api": "crm.things.list", "page": {"mode": "all"}})
    assert outcome.page is not None
    assert [row["id"] for row in outcome.data["results"]] == list(range(COUNT))
    assert (outcome.page.has_more, outcome.page.next_cursor, outcome.note) == (False, None, None)
    assert pages.asked == [None, first + 1]


@pytest.mark.parametrize(("body", "first"), [form for form in forms() if form.id != "total"])
async def test_page_by_page_has_more_is_right_on_each(body: Body, first: int) -> None:
    """One page at a time, also where the first was asked for by its number."""
    for arguments in ({}, {"page": first}):
        house = await house_of(Pages(body, first))
        one = await house.call("call_api", {"api": "crm.things.list", "args": arguments})
        assert one.page is not None
        assert one.page.has_more
        two = await house.call("call_api", {"api": "crm.things.list", "args": arguments, "page": {"cursor": one.page.next_cursor}})
        assert two.page is not None
        assert [row["id"] for row in one.data["results"] + two.data["results"]] == list(range(COUNT))
        assert not two.page.has_more


@pytest.mark.parametrize(
    "header",
    [
        lambda last: {
            "link": '</?page=1>; rel="first", </?page=1>; rel="prev"' if last else '</?page=2>; rel="next", </?page=2>; rel="last"'
        },
        lambda last: {"x-next-page": "" if last else "2"},
        lambda last: {"x-total-pages": "2"},
        lambda last: {"x-total-count": str(COUNT)},
    ],
)
async def test_a_header_says_which_page_is_the_last(header: Callable[[bool], dict[str, str]]) -> None:
    """RFC 8288, and the fields of GitLab and others, where the body says nothing."""
    pages = Pages(lambda page, rows, last: {"results": rows}, 1, header)
    outcome = await (await house_of(pages)).call("call_api", {"api": "crm.things.list", "page": {"mode": "all"}})
    assert outcome.page is not None
    assert (len(outcome.data["results"]), outcome.page.has_more, pages.asked) == (COUNT, False, [None, 2])


async def test_a_page_that_is_not_there_is_the_end_where_nothing_else_said_so() -> None:
    """A list that tells nothing of its pages is asked once more, and that answer is no failure."""
    outcome = await (await house_of(Pages(lambda page, rows, last: {"results": rows}, 1))).call(
        "call_api", {"api": "crm.things.list", "page": {"mode": "all"}}
    )
    assert outcome.page is not None
    assert (len(outcome.data["results"]), outcome.page.has_more, outcome.note) == (COUNT, False, None)


async def test_an_upstream_that_gives_less_than_it_is_asked_for_is_read_to_its_end() -> None:
    """A short page is not the last where the answer says that more follow."""
    listed = operation(
        "crm.things.list",
        schema={"type": "object", "properties": {"page": {"type": "integer"}, "limit": {"type": "integer"}}},
        paging=Paging("page", "page", "results", None, "limit"),
    )
    for body in (FROM_ONE["next null"], FROM_ONE["total_pages"], FROM_ONE["total"], FROM_ONE["has_more"]):
        house, pages = await gateway([listed]), Pages(body, 1)
        house.runner.answers[listed.id] = pages
        outcome = await house.call("call_api", {"api": listed.id, "args": {"limit": 500}, "page": {"mode": "all"}})
        assert len(outcome.data["results"]) == COUNT
        assert pages.asked == [None, 2]


async def test_a_list_in_a_place_that_no_document_names_still_has_a_next_page() -> None:
    """The answer itself says that more follow."""
    listed = operation("crm.loose.list", schema={"type": "object"}, paging=Paging("page", "page", None))
    house = await gateway([listed])
    house.runner.answers[listed.id] = Pages(FROM_ONE["next null"], 1)
    one = await house.call("call_api", {"api": listed.id})
    assert one.page is not None
    assert (one.page.has_more, one.page.next_cursor) == (True, "2")
    two = await house.call("call_api", {"api": listed.id, "page": {"cursor": "2"}})
    assert two.page is not None
    assert not two.page.has_more


async def test_cursors_that_lead_in_a_circle_are_left_with_a_note() -> None:
    """a -> b -> a: no two in a row are the same, and still there is no end."""
    rows = iter(range(1_000))

    async def circling(call: Call) -> Outcome:
        following = {"a": "b", "b": "a"}[call.arguments.get("after", "b")]
        return Outcome("ok", data={"results": [next(rows)], "next": following})

    listed = operation("crm.ring.list", schema={"type": "object"}, paging=Paging("cursor", "after", "results", "next"))
    house = await gateway([listed])
    house.runner.answers[listed.id] = circling
    outcome = await house.call("call_api", {"api": listed.id, "page": {"mode": "all"}})
    assert len(house.runner.calls) <= 3
    assert outcome.page is not None
    assert not outcome.page.has_more
    assert "circle" in (outcome.note or "")


async def test_an_empty_page_with_a_cursor_goes_on_where_it_says_so() -> None:
    """Pages that were filtered after they were cut."""

    async def filtered(call: Call) -> Outcome:
        if "after" in call.arguments:
            return Outcome("ok", data={"results": [1], "next": None})
        return Outcome("ok", data={"results": [], "next": "c", "has_more": True})

    listed = operation("crm.sieve.list", schema={"type": "object"}, paging=Paging("cursor", "after", "results", "next"))
    house = await gateway([listed])
    house.runner.answers[listed.id] = filtered
    assert (await house.call("call_api", {"api": listed.id, "page": {"mode": "all"}})).data["results"] == [1]


@pytest.mark.parametrize("data", [None, [], "text", 7, {}, {"results": []}, {"next": {}}, {"links": "x"}, {"meta": [1]}, {"total": True}])
def test_an_answer_of_any_shape_is_looked_at_without_harm(data: Json) -> None:
    """Most answers say nothing of pages."""
    assert says_more(data, None) in (None, False)
