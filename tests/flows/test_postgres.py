"""The main job on PostgreSQL instead of the SQLite file, by two gateways on one store."""

from pathlib import Path

import httpx2
from mcp import Client

from tests.contracts.postgres import postgres_server, stopped
from tests.flows.gateway_process import ascend, running_gateway
from tests.flows.mcp_client import MemoryTokenStorage, connected
from tests.flows.person import Person
from tests.waiting import until


async def test_two_gateways_on_one_postgresql_answer_alike(tmp_path: Path) -> None:
    """Sign in at both, call; an import at one reaches the other."""
    with postgres_server() as url:
        extra = {"ASCEND_DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://")}
        storage = MemoryTokenStorage()
        with running_gateway(tmp_path / "one", extra=extra) as first:
            person = Person(first.email, first.password)
            async with connected(first.mcp_url, person, storage=storage) as client:
                answer = await client.call_tool("call_api", {"api": "crm.contacts.search", "args": {"query": "Ada"}})
                assert answer.structured_content is not None
                assert answer.structured_content["status"] == "ok"
                # The second gateway has its own address, so only the store is shared here: its people, catalogue and grants.
                keys = {"ASCEND_VAULT_KEK": (tmp_path / "one" / "vault.kek").read_text().strip()}
                with running_gateway(tmp_path / "two", demo=False, extra=extra | keys) as second:
                    async with connected(second.mcp_url, Person(first.email, first.password)) as other:
                        seen = await other.call_tool("discover_apis", {"ids": ["crm.contacts.search"]})
                        assert seen.structured_content is not None
                        assert seen.structured_content["results"][0]["id"] == "crm.contacts.search"
                        done = ascend(
                            "import",
                            "openapi",
                            f"{first.demo_url}/openapi.json",
                            "--provider",
                            "late",
                            data_dir=tmp_path / "one",
                            extra=extra,
                        )
                        assert done.returncode == 0, done.stderr
                        await until(lambda: knows(other, "late.contacts.search"))


async def test_a_gateway_outlives_its_database_being_away(tmp_path: Path) -> None:
    """Every session is ended under it; what is changed afterwards by another process is in force all the same."""
    with postgres_server() as url:
        extra = {"ASCEND_DATABASE_URL": url.replace("postgresql+psycopg://", "postgresql://")}
        with running_gateway(tmp_path / "one", extra=extra) as gateway:
            async with connected(gateway.mcp_url, Person(gateway.email, gateway.password)) as client:
                with stopped(url):
                    await until_ready(gateway.base_url, 503)
                await until_ready(gateway.base_url, 200)
                done = ascend(
                    "import", "openapi", f"{gateway.demo_url}/openapi.json", "--provider", "late", data_dir=tmp_path / "one", extra=extra
                )
                assert done.returncode == 0, done.stderr
                await until(lambda: knows(client, "late.contacts.search"))


async def knows(client: Client, operation_id: str) -> bool:
    seen = await client.call_tool("discover_apis", {"ids": [operation_id]})
    assert seen.structured_content is not None
    return "error" not in seen.structured_content["results"][0]


async def until_ready(base_url: str, status: int) -> None:
    async with httpx2.AsyncClient(timeout=30) as http:

        async def is_ready() -> bool:
            return (await http.get(f"{base_url}/readyz")).status_code == status

        await until(is_ready)
