"""The documents that come along become operations that read, under names that people say."""

from pathlib import Path

import pytest

from tools.sources.import_source import read_source
from tools.sources.openapi.import_document import import_document
from tools.sources.shipped_documents import shipped_names

OPERATIONS = {
    "gong": {
        "gong.calls.list",
        "gong.calls.extensive.list_details",
        "gong.calls.transcript.list",
        "gong.users.list",
        "gong.workspaces.list",
    },
    "salesforce": {
        "salesforce.query",
        "salesforce.query.get",
        "salesforce.all.query",
        "salesforce.sobjects.deleted.list_records",
        "salesforce.limits.list",
        "salesforce.jobs.query",
        "salesforce.jobs.query.get",
        "salesforce.jobs.query.results.get",
    },
}


def test_there_is_one_for_each_vendor() -> None:
    assert shipped_names() == tuple(sorted(OPERATIONS))


@pytest.mark.parametrize("name", sorted(OPERATIONS))
async def test_its_operations_read_and_need_an_account(name: str) -> None:
    source = await read_source(name)
    imported = import_document(source.raw, provider=name, tenant_id=None, location=source.location)
    assert {operation.id for operation in imported.operations} == OPERATIONS[name]
    assert {(operation.access, operation.connection) for operation in imported.operations} == {("read", name)}
    assert imported.skipped == ()


async def test_a_file_of_that_name_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gong").write_text("{}")
    assert (await read_source("gong")).raw == b"{}"
