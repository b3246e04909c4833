"""`ascend workflow`: runs started, watched, listed, cancelled and resumed, beside no gateway and beside one that does the work."""

import re
from pathlib import Path

import anyio.to_thread
import pytest

from server.app import Gateway
from tests.command_line import Said, answered, ascend_here


def workflow(data: Path, *words: str) -> Said:
    return ascend_here("workflow", *words, data_dir=data)


async def beside(gateway: Gateway, *words: str) -> Said:
    return await anyio.to_thread.run_sync(lambda: workflow(gateway.settings.data_dir, *words))


def test_what_can_be_started_is_listed(data: Path) -> None:
    rows = {row["workflow"]: row for row in answered(workflow(data, "list", "--json"))}
    assert {"token-health", "error-pattern", "gong-ingest"} <= set(rows)
    assert rows["token-health"]["for"] == "operators"
    assert "token-health" in workflow(data, "list").stdout


def test_a_run_waits_for_a_gateway_and_can_be_cancelled_and_resumed_meanwhile(data: Path) -> None:
    """And no other tenant has it."""
    started = answered(workflow(data, "start", "error-pattern", "--key", "k", "--as", "ada@example.com", "--json"))
    assert (started["run_id"], started["state"], started["attempts"]) == ("default:error-pattern:k", "queued", 0)
    assert "is queued" in workflow(data, "start", "error-pattern", "--key", "k").stdout
    assert answered(workflow(data, "cancel", started["run_id"], "--json"))["cancelled"]
    assert "had ended" in workflow(data, "cancel", started["run_id"]).stdout
    [row] = answered(workflow(data, "runs", "--state", "cancelled", "--json"))
    assert (row["run_id"], row["as"], row["by"]) == (started["run_id"], "ada@example.com", "manual")
    assert "goes on" in workflow(data, "resume", started["run_id"]).stdout
    assert answered(workflow(data, "show", started["run_id"], "--json"))["state"] == "queued"
    assert workflow(data, "show", started["run_id"], "--tenant", "acme").returncode == 1
    assert "no runs" in workflow(data, "runs", "--tenant", "acme").stdout


def test_the_workflows_of_a_tenant_at_work_are_not_forgotten(data: Path) -> None:
    """Suspended first, so that nothing starts meanwhile; and somebody agrees."""
    workflow(data, "start", "error-pattern", "--tenant", "acme", "--key", "k")
    refused = ascend_here("tenant", "forget-workflows", "acme", "--yes", data_dir=data)
    assert (refused.returncode, "`ascend tenant set acme --suspend` first" in refused.stderr) == (1, True)
    ascend_here("tenant", "set", "acme", "--suspend", data_dir=data)
    assert ascend_here("tenant", "forget-workflows", "acme", data_dir=data, stdin="n\n").returncode != 0
    assert workflow(data, "show", "acme:error-pattern:k", "--tenant", "acme").returncode == 0
    assert "has lost 1 runs" in ascend_here("tenant", "forget-workflows", "acme", "--yes", data_dir=data).stdout
    assert workflow(data, "show", "acme:error-pattern:k", "--tenant", "acme").returncode == 1
    assert "no tenant 'nowhere'" in ascend_here("tenant", "forget-workflows", "nowhere", "--yes", data_dir=data).stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("start", "error-patern"), r"there is no workflow 'error-patern'; did you mean error-pattern\?"),
        (("start", "error-pattern", "--given", "[]"), "--given is not an object"),
        (("start", "error-pattern", "--given", "{"), "--given is no JSON"),
        (("start", "error-pattern", "--key", "a:b"), "key: 1 to 200 characters, no ':'"),
        (("start", "error-pattern", "--as", "bo@example.com"), "no user 'bo@example.com'"),
        (("show", "default:error-pattern:none"), "there is no run 'default:error-pattern:none'"),
        (("cancel", "nonsense"), "there is no run 'nonsense'"),
        (("resume", "nonsense"), "there is no run 'nonsense'"),
        (("runs", "--tenant", "nowhere"), "nowhere"),
    ],
)
def test_what_cannot_be_is_said_in_one_line_with_the_way_out(data: Path, words: tuple[str, ...], said: str) -> None:
    refused = workflow(data, *words)
    assert refused.returncode in (1, 2)
    assert re.search(said, refused.stderr), refused
    assert "Traceback" not in refused.stderr


async def test_a_run_is_watched_until_it_has_ended(gateway: Gateway) -> None:
    """A gateway beside the command does the work."""
    said = await beside(gateway, "start", "error-pattern", "--key", "watched", "--wait")
    assert said.returncode == 0, said
    assert "run default:error-pattern:watched is succeeded" in said.stderr
    assert "default:error-pattern:watched: succeeded" in said.stdout
    shown = answered(await beside(gateway, "show", "default:error-pattern:watched", "--wait", "--json"))
    assert (shown["state"], shown["attempts"]) == ("succeeded", 1)


async def test_a_run_that_failed_ends_the_command_that_waits_for_it_with_its_reason(gateway: Gateway) -> None:
    said = await beside(gateway, "start", "gong-ingest", "--wait")
    assert said.returncode == 1
    assert re.search(r"ascend: run default:gong-ingest:\w+ is failed: .+", said.stderr), said
