"""Addresses that are none: a page for people, an error that programs can read."""

from pathlib import Path

import httpx2

from tests.gateway import NOWHERE, opened

#: Fetch Metadata: what browsers send with an address that was typed in or a link that was followed
AS_A_BROWSER = {"sec-fetch-mode": "navigate"}


async def test_a_mistyped_address_is_a_page_for_people_and_json_for_programs(tmp_path: Path) -> None:
    """RFC 9110 §15.5.5, over the real application; a method that is not there is no mistyped address."""
    async with (
        opened(tmp_path / "data") as gateway,
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=gateway.app), base_url=NOWHERE) as client,
    ):
        page = await client.get("/accuont", headers=AS_A_BROWSER)
        told = await client.get("/accuont")
        refused = await client.get("/token", headers=AS_A_BROWSER)
    kinds = [(answer.status_code, answer.headers["content-type"].partition(";")[0]) for answer in (page, told, refused)]
    assert kinds == [(404, "text/html"), (404, "application/json"), (405, "application/json")]
