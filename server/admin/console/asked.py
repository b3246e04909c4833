"""What the address of a page that is no list asks: a stretch of time and a tenant, read as lists read them."""

from dataclasses import dataclass

from server.admin.console.address import RangeLinks, range_links
from server.admin.console.visitor import Visitor
from server.admin.lists.span import PARAMETERS, span_of
from server.admin.refusals import invalid
from server.admin.resource import Span

MAX_TENANT_CHARS = 64


@dataclass(frozen=True, slots=True)
class Asked:
    """`tenant_id` None: of all tenants."""

    span: Span
    tenant_id: str | None
    ranges: RangeLinks


def asked_of(visitor: Visitor, default_range: str, now_us: int) -> Asked:
    """Return what is asked, narrowed to what the visitor reaches. Raises AdminRefused."""
    given: dict[str, str] = {}
    for name, value in visitor.address.parameters:
        if name not in (*PARAMETERS, "tenant", "metric"):
            raise invalid(f"{name[:40]}: there is no such parameter", "there are range, from, to and tenant")
        if name != "metric" and name in given:
            raise invalid(f"{name}: give it once")
        given[name] = value
    tenant = given.get("tenant", "")
    if len(tenant) > MAX_TENANT_CHARS or not tenant.isprintable():
        raise invalid("tenant: there is no such tenant")
    span = span_of(given, default_range, now_us)
    return Asked(span, visitor.administrator.reach(tenant or None), range_links(visitor.address, span, now_us))
