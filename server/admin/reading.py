"""The one way to see something: role and reach are asked here, whichever face it comes from, and every read ends in time."""

from dataclasses import replace

from server.admin.administrators import Administrator
from server.admin.refusals import not_found
from server.admin.resource import ListQuery, Resource, Row, Rows
from server.storage.read_limit import reads_within

#: no read takes longer (operations contract, "Tables")
MAX_READ_S = 2.0
#: totals cost, so they are asked for, and end here (operations contract, "API")
MAX_COUNT = 10_000


def must_see(administrator: Administrator, resource: Resource) -> None:
    """Raise AdminRefused for whoever may not see the resource at all."""
    administrator.must_be(resource.least, resource.title)
    if resource.is_of_gateway:
        administrator.must_reach_gateway(resource.title)


async def rows_of(administrator: Administrator, resource: Resource, query: ListQuery) -> Rows:
    """Return a page of the list. Raises AdminRefused, ReadTooLong, StoreUnavailable."""
    must_see(administrator, resource)
    with reads_within(MAX_READ_S):
        return await resource.rows(administrator, query)


async def count_of(administrator: Administrator, resource: Resource, query: ListQuery) -> tuple[int, bool]:
    """Return how many rows there are from the first one on, and whether that is all; nobody counts further than MAX_COUNT."""
    must_see(administrator, resource)
    whole = replace(query, limit=MAX_COUNT + 1, cursor=None)
    with reads_within(MAX_READ_S):
        found = (
            len((await resource.rows(administrator, whole)).items) if resource.count is None else await resource.count(administrator, whole)
        )
    return min(found, MAX_COUNT), found <= MAX_COUNT


async def thing_of(administrator: Administrator, resource: Resource, key: str) -> Row:
    """Return one thing with all there is to show. Raises AdminRefused (404 also where it is out of reach), ReadTooLong."""
    must_see(administrator, resource)
    found: Row | None = None
    # PostgreSQL takes no zero in a text, and nothing has one in its name.
    if resource.one is not None and "\0" not in key:
        with reads_within(MAX_READ_S):
            found = await resource.one(administrator, key)
    if found is None:
        # One answer for what is not there and what is another tenant's: nobody learns which names are taken.
        raise not_found(f"{resource.name}: there is no {key[:80]!r}", f"GET /admin/api/{resource.name} lists what there is")
    return found
