"""`ascend ai logs` and `ascend ai usage`: lists for people and for programs."""

import json
import time
from pathlib import Path

import anyio
import pytest

from server.config.load import load
from server.storage.store import open_store
from tests.command_line import ascend_here
from tests.contracts.ai_gateway.model_calls import call
from tests.empty_store import put_data_directory
from tools.ai_gateway.stores import ClosedCall
from tools.metering.stores import ClosedCharge

#: the contract's log row
FIELDS = [
    "id", "at", "tenant", "gateway", "key_id", "user", "route", "requested", "provider", "model", "status",
    "outcome", "stream", "attempts", "cache", "experiment", "input_tokens", "cached_input_tokens",
    "cache_write_tokens", "output_tokens", "reasoning_tokens", "estimated", "cost_usd", "price_from",
    "ttft_ms", "ms", "overhead_ms", "metadata", "trace_id", "decision",
]  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports") / "data"

    async def fill() -> None:
        async with open_store(load(put_data_directory(folder))) as store:
            now_us = int(time.time() * 1_000_000)
            rows = [call(id=f"mc_{n}", at_us=now_us - n, tenant_id="default", cost_nano_usd=n * 1_000) for n in range(3)]
            await store.model_calls.append([ClosedCall(row) for row in rows])
            paid = ClosedCharge("op_1", "default", now_us, "crm", "crm.contacts.enrich", "ada", "ok", 20_000_000, "t")
            await store.operation_charges.append([paid])

    anyio.run(fill)
    return folder


def test_a_log_row_has_the_fields_of_the_contract(data: Path) -> None:
    rows = json.loads(ascend_here("ai", "logs", "--limit", "2", "--json", data_dir=data).stdout)
    assert [row["id"] for row in rows] == ["mc_0", "mc_1"]
    # payload: what was asked and answered, where tenant and caller both want it on record.
    assert list(rows[0]) == [*FIELDS, "payload"]
    assert rows[0]["attempts"] == [{"model": "openai/m", "status": 200, "error": "", "ms": 12.5}]
    assert (rows[1]["cost_usd"], rows[1]["stream"], rows[1]["estimated"]) == (1e-6, True, True)
    assert rows[1]["metadata"] == {"plan": "paid", "team": 7}


def test_usage_adds_up_by_what_is_asked(data: Path) -> None:
    [row] = json.loads(ascend_here("ai", "usage", "--by", "user", "--json", data_dir=data).stdout)
    assert (row["user"], row["calls"], row["cost_usd"]) == ("ada@acme.test", 3, 3e-6)
    [row] = json.loads(ascend_here("ai", "usage", "--json", data_dir=data).stdout)
    assert row["model"] == "openai/m"
    assert json.loads(ascend_here("ai", "usage", "--since", "2099-01-01", "--json", data_dir=data).stdout) == []
    assert len(json.loads(ascend_here("ai", "usage", "--since", "24h", "--json", data_dir=data).stdout)) == 1


def test_people_get_tables(data: Path) -> None:
    assert "openai/m" in ascend_here("ai", "usage", data_dir=data).stdout
    assert "ada@acme.test" in ascend_here("ai", "logs", data_dir=data).stdout


def test_operations_with_a_price_add_up_by_their_names(data: Path) -> None:
    rows = json.loads(ascend_here("ai", "usage", "--by", "operation", "--json", data_dir=data).stdout)
    assert rows == [{"operation": "crm.contacts.enrich", "calls": 1, "errors": 0, "cost_usd": 0.02}]
    said = ascend_here("ai", "usage", "--by", "operation", "--since", "2999-01-01", data_dir=data).stdout
    assert said.strip() == "no calls of priced operations in this time"
