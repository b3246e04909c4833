"""`ascend schedule`: what is listed, set and refused, beside no gateway and beside a running one; the guide's commands as printed."""

import re
import shlex
from pathlib import Path

import anyio.to_thread
import pytest

from server.app import Gateway
from tests.command_line import Said, answered, ascend_here
from tests.conftest import REPOSITORY
from tools.workflows.schedules.builtin import BUILTIN

GUIDE = (REPOSITORY / "docs" / "guides" / "schedules.md").read_text(encoding="utf-8")
COMMANDS = [
    line.removeprefix("ascend schedule ")
    for block in re.findall(r"^```sh\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    for line in block.splitlines()
]


def schedule(data: Path, *words: str) -> Said:
    return ascend_here("schedule", *words, data_dir=data)


async def beside(gateway: Gateway, *words: str) -> Said:
    return await anyio.to_thread.run_sync(lambda: schedule(gateway.settings.data_dir, *words))


def test_what_the_gateway_brings_is_listed_with_its_next_slot(data: Path) -> None:
    """Even before a gateway of this version was started."""
    rows = answered(schedule(data, "list", "--json"))
    assert {row["name"] for row in rows} == BUILTIN
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:00Z", row["next"]) and row["origin"] == "builtin" for row in rows)
    assert "token-health" in schedule(data, "list").stdout
    assert [row["next"] for row in rows] != [row["next"] for row in answered(schedule(data, "list", "--tenant", "acme", "--json"))]


def test_a_schedule_is_set_changed_paused_resumed_and_removed(data: Path) -> None:
    """And no other tenant has it."""
    words = ("set", "mine", "--workflow", "error-pattern", "--cron", "0 6 * * MON-FRI", "--zone", "Europe/Berlin")
    row = answered(schedule(data, *words, "--given", '{"n": 1}', "--as", "Ada@example.com", "--json"))
    assert (row["new"], row["given"], row["cron"], row["zone"]) == (True, {"n": 1}, "0 6 * * MON-FRI", "Europe/Berlin")
    [mine] = [each for each in answered(schedule(data, "list", "--json")) if each["name"] == "mine"]
    assert (mine["as"], mine["origin"], mine["went"]) == ("ada@example.com", "custom", None)
    assert "is changed" in schedule(data, "set", "mine", "--workflow", "token-health", "--cron", "@daily").stdout
    assert answered(schedule(data, "pause", "mine", "--json")) == {"name": "mine", "paused": True}
    assert [each["next"] for each in answered(schedule(data, "list", "--json")) if each["name"] == "mine"] == ["paused"]
    assert "comes next at 20" in schedule(data, "resume", "mine").stdout
    assert schedule(data, "remove", "mine", "--tenant", "acme").returncode == 1
    assert answered(schedule(data, "remove", "mine", "--json")) == {"name": "mine", "removed": True}
    assert schedule(data, "remove", "mine").stderr == "ascend: no schedule 'mine'; `ascend schedule list` shows what there is\n"


def test_what_is_wrong_with_a_schedule_is_said_at_once_and_nothing_is_changed(data: Path) -> None:
    said = schedule(data, "set", "No Name", "--workflow", "token-helth", "--cron", "61 25 * * MOM", "--zone", "Europe/Berlim")
    assert said.returncode == 1
    first, *faults = said.stderr.splitlines()
    assert first == "ascend: schedule 'No Name' has 6 faults; nothing was changed"
    assert [line.split(":")[0].strip() for line in faults] == ["name", "workflow", "cron.minute", "cron.hour", "cron.day-of-week", "zone"]
    assert "like token-health" in faults[1]
    assert "like Europe/Berlin" in faults[5]
    for words in (("--given", "[1]"), ("--given", "{"), ("--given", '{"a": "\\ud800"}'), ("--given", '{"a": NaN}')):
        assert schedule(data, "set", "x", "--workflow", "token-health", "--cron", "@daily", *words).returncode == 2
    assert schedule(data, "set", "x", "--workflow", "token-health", "--cron", "@daily", "--as", "bob@example.com").returncode == 1
    assert {row["name"] for row in answered(schedule(data, "list", "--json"))} == BUILTIN


@pytest.mark.parametrize("name", ["", "x" * 5000, "\x1b[31m", "\ud800", "a:b\nc"])
def test_what_is_no_name_is_answered_like_one_that_there_is_not(data: Path, name: str) -> None:
    """By each command, in one line, without what acts on a terminal."""
    for command in ("pause", "runs"):
        said = schedule(data, command, name)
        assert said.returncode == 1, said
        assert said.stderr.startswith("ascend: no schedule '")
        assert said.stderr.count("\n") == 1
        assert len(said.stderr) < 300
        assert "\x1b" not in said.stderr


def test_what_the_gateway_brings_can_be_changed_and_brought_back_and_not_removed(data: Path) -> None:
    said = schedule(data, "remove", "token-health")
    assert (said.returncode, "ascend schedule pause token-health" in said.stderr) == (1, True)
    before = next(row["cron"] for row in answered(schedule(data, "list", "--json")) if row["name"] == "token-health")
    assert schedule(data, "set", "token-health", "--workflow", "token-health", "--cron", "0 3 * * *").returncode == 0
    assert answered(schedule(data, "remove", "token-health", "--json")) == {"name": "token-health", "removed": False}
    assert next(row["cron"] for row in answered(schedule(data, "list", "--json")) if row["name"] == "token-health") == before


def test_a_run_waits_for_a_gateway_and_a_second_one_is_refused(data: Path) -> None:
    """Nothing runs here: the command says so, and that the run goes on."""
    said = schedule(data, "run", "error-pattern", "--wait", "--timeout", "3", "--tenant", "acme")
    assert said.returncode == 1
    assert "no gateway has taken it yet; is one running?" in said.stderr
    assert "has not ended after 3 s; it goes on" in said.stderr
    assert "still runs: acme:error-pattern:error-pattern@" in schedule(data, "run", "error-pattern", "--tenant", "acme").stderr
    [row] = answered(schedule(data, "runs", "--tenant", "acme", "--json"))
    assert (row["state"], row["cause"], row["report"]) == ("started", "manual", None)
    assert answered(schedule(data, "runs", "--json")) == []
    assert schedule(data, "runs", "error-patern").stderr == "ascend: no schedule 'error-patern'; did you mean 'error-pattern'?\n"


async def test_a_run_beside_a_gateway_ends_with_its_report(gateway: Gateway) -> None:
    said = await beside(gateway, "run", "backup-verify", "--wait")
    assert said.returncode == 0, said
    assert said.stdout.startswith("Backups (0 backups, 1 findings), 20")
    assert "no_backup: backups: there is no backup" in said.stdout
    assert "now: succeeded" in said.stderr
    shown = await beside(gateway, "runs", "backup-verify")
    assert "no_backup: backups" in shown.stdout
    [row] = answered(await beside(gateway, "runs", "--json"))
    assert (row["state"], row["findings"], row["report"]["title"]) == ("succeeded", 1, "Backups")
    assert "succeeded, 1 finding" in (await beside(gateway, "list")).stdout


async def test_the_commands_of_the_guide_run_as_printed(gateway: Gateway) -> None:
    assert len(COMMANDS) == 9
    for line in COMMANDS:
        said = await beside(gateway, *shlex.split(line))
        assert said.returncode == 0, (line, said)
