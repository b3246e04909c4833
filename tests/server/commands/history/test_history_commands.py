"""`ascend calls`, `trace`, `errors` and `usage`: yesterday's failure is found, with why and whose affair it was."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest

from server.config.load import load
from server.storage.database import now_us
from server.storage.store import open_store
from tests.command_line import Said, ascend_here
from tests.contracts.ai_gateway.model_calls import call as model_call
from tests.contracts.history.test_call_history import call
from tests.empty_store import put_data_directory
from tools.ai_gateway.stores import ClosedCall
from tools.workflows.engine.run_records import MostOpen, NewRun

TRACE = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A store in which something happened: two people, one failure of an upstream twice, a plan with a model call."""
    put_data_directory(tmp_path)

    async def fill() -> None:
        async with open_store(load(tmp_path, {})) as store:
            at_us = now_us() - 60_000_000
            ours = partial(call, at_us=at_us, tenant_id="default")
            took = {"upstream_ms": 900.0, "upstream_status": 503, "duration_ms": 903.0}
            failed = partial(ours, "crm.deals.update", "upstream_error", reason="answered 503", **took)
            await store.calls.append_calls(
                [
                    ours("crm.deals.list"),
                    failed(),
                    failed(trace_id="f" * 32, subject="grace"),
                    ours("crm.deals.list", trace_id=TRACE, step="first", tool="batch_execute"),
                    ours("batch_execute", trace_id=TRACE, tool="batch_execute"),
                    ours("secret.plans.list", tenant_id="globex"),
                ]
            )
            await store.model_calls.append([ClosedCall(model_call(trace_id=TRACE, at_us=at_us + 1), None)])
            run = NewRun("default", "onboard", "k", {"word": "s3cret"}, None, "manual", None, TRACE)
            await store.durable.run_records.start(run, MostOpen(1, 1))

    anyio.run(fill)
    return tmp_path


def rows(said: Said) -> list[dict[str, Any]]:
    assert said.returncode == 0, said.stderr
    found: list[dict[str, Any]] = json.loads(said.stdout)
    return found


def test_yesterdays_failure_is_found_with_why(folder: Path) -> None:
    found = rows(ascend_here("calls", "--failed", "--tenant", "default", "--json", data_dir=folder))
    assert [(row["operation"], row["class"], row["reason"]) for row in found] == [("crm.deals.update", "upstream", "answered 503")] * 2
    assert (found[0]["ms"], found[0]["upstream_ms"], found[0]["upstream_status"]) == (903.0, 900.0, 503)
    assert len(rows(ascend_here("calls", "--json", data_dir=folder))) == 6
    assert len(rows(ascend_here("calls", "--slower-than", "500", "--class", "upstream", "--json", data_dir=folder))) == 2
    assert "answered 503" in ascend_here("calls", data_dir=folder).stdout


def test_calls_of_nobody_and_nowhere_are_refused_by_name(folder: Path) -> None:
    assert "say of which tenant" in ascend_here("calls", "--user", "ada@example.com", data_dir=folder).stderr
    assert (
        "no user 'nobody@example.com'"
        in ascend_here("calls", "--tenant", "default", "--user", "nobody@example.com", data_dir=folder).stderr
    )
    assert "no tenant 'acmee'" in ascend_here("calls", "--tenant", "acmee", data_dir=folder).stderr


def test_a_trace_is_shown_over_both_planes(folder: Path) -> None:
    found = rows(ascend_here("trace", TRACE.upper(), "--json", data_dir=folder))
    assert [(row["kind"], row["what"]) for row in found][:2] == [("step", "crm.deals.list"), ("call", "batch_execute")]
    assert found[2]["kind"] == "model call"
    assert [(row["kind"], row["what"], row["run_id"], row["state"]) for row in found[3:]] == [
        ("run", "onboard", "default:onboard:k", "queued")
    ]
    assert "s3cret" not in str(found)
    missing = ascend_here("trace", "0" * 32, data_dir=folder)
    assert missing.returncode == 1
    assert "nothing is on record" in missing.stderr


def test_failures_are_told_by_kind_and_looked_after(folder: Path) -> None:
    """Acknowledged stays, resolved goes, and what comes again is open again."""
    [kind] = rows(ascend_here("errors", "--tenant", "default", "--json", data_dir=folder))
    assert (kind["count"], kind["code"], kind["class"], kind["state"]) == (2, "upstream_error", "upstream", "open")
    assert kind["trace_id"] == "f" * 32
    [kind] = rows(ascend_here("errors", "--acknowledge", kind["error"], "--json", data_dir=folder))
    assert kind["state"].startswith("acknowledged by local:")
    assert rows(ascend_here("errors", "--resolve", kind["error"], "--json", data_dir=folder)) == []
    assert len(rows(ascend_here("errors", "--all", "--json", data_dir=folder))) == 1
    assert "there is no error 'x'" in ascend_here("errors", "--resolve", "x", data_dir=folder).stderr


def test_uses_are_counted_and_what_nobody_used_is_listed(folder: Path) -> None:
    found = rows(ascend_here("usage", "--json", data_dir=folder))
    assert {row["operation"]: (row["calls"], row["failures"]) for row in found} == {
        "crm.deals.list": (2, 0),
        "crm.deals.update": (2, 2),
        "batch_execute": (1, 0),
    }
    unused = {row["operation"] for row in rows(ascend_here("usage", "--zero", "--json", data_dir=folder))}
    assert "discover_apis" in unused
    assert "batch_execute" not in unused
