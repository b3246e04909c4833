"""`ascend report`: every kind can be made, for people and for programs."""

import json
from pathlib import Path

import anyio
import pytest

from server.config.load import load
from server.reports.kinds import KINDS
from server.storage.database import now_us
from server.storage.store import open_store
from tests.command_line import ascend_here
from tests.contracts.history.test_call_history import call
from tests.empty_store import put_data_directory


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = put_data_directory(tmp_path_factory.mktemp("data"))

    async def fill() -> None:
        async with open_store(load(data, {})) as store:
            failed = call("crm.deals.update", "upstream_error", at_us=now_us(), tenant_id="default", reason="answered 503")
            await store.calls.append_calls([failed, call(at_us=now_us(), tenant_id="default")])

    anyio.run(fill)
    return data


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_made(folder: Path, kind: str) -> None:
    said = ascend_here("report", kind, "--json", data_dir=folder)
    assert said.returncode == 0, said.stderr
    assert set(json.loads(said.stdout)) == {"title", "figures", "tables", "findings", "counts", "checked_at"}


def test_people_read_figures_tables_and_what_to_do(folder: Path) -> None:
    said = ascend_here("report", "digest", "--tenant", "default", data_dir=folder)
    assert "The week (2 calls, 1 failed, 1 new_errors, 1 findings)" in said.stdout
    assert "  calls: 2  (before: 0)" in said.stdout
    assert "crm.deals.update" in said.stdout
    assert "new-error: crm.deals.update: upstream_error: new this week, 1 times: answered 503" in said.stdout
    assert "ascend trace tttt" in said.stdout


def test_a_kind_or_tenant_that_there_is_not_is_told_what_there_is(folder: Path) -> None:
    assert "'digest'" in ascend_here("report", "digets", data_dir=folder).stderr
    assert "no tenant" in ascend_here("report", "digest", "--tenant", "acme", data_dir=folder).stderr
