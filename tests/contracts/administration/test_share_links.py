"""Share links, on both stores: kept by the hash of their token, within their tenant, until they end."""

import pytest

from server.storage.administration.share_links import MOST, ShareLink, SqlShareLinks, TooManyLinks
from server.storage.database import Database


def link(name: str, tenant_id: str = "acme", expires_at: float = 100.0) -> ShareLink:
    return ShareLink(
        link_id=name,
        token_hash=f"hash of {name}",
        tenant_id=tenant_id,
        title=name,
        metrics="calls p95",
        range="7d",
        made_by="ada@acme.test",
        made_at=1.0,
        expires_at=expires_at,
    )


async def test_a_living_link_is_found_by_its_token(sql_database: Database) -> None:
    links = SqlShareLinks(sql_database)
    await links.add(link("one"))
    assert await links.of_token("hash of one", 99.0) == link("one")
    assert await links.of_token("hash of one", 100.0) is None
    assert await links.of_token("hash of another", 1.0) is None


async def test_a_tenant_sees_and_takes_back_its_own(sql_database: Database) -> None:
    links = SqlShareLinks(sql_database)
    for each in (link("one"), link("two", "globex"), link("all", ""), link("old", expires_at=5.0)):
        await links.add(each)
    assert {each.link_id for each in await links.all("acme", 50.0)} == {"one"}
    assert {each.link_id for each in await links.all(None, 50.0)} == {"one", "two", "all"}
    assert not await links.remove("two", "acme")
    assert await links.remove("two", "globex")
    assert await links.remove("one", None)
    assert await links.sweep(50.0) == 1


async def test_links_have_a_limit(sql_database: Database) -> None:
    links = SqlShareLinks(sql_database)
    for number in range(MOST):
        await links.add(link(str(number)))
    with pytest.raises(TooManyLinks):
        await links.add(link("more"))
    await links.add(link("another's", "globex"))
