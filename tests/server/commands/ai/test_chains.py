"""`ascend ai test-chain`: sixteen verdicts about a route."""

import json
from pathlib import Path

from tests.command_line import ascend_here


def test_a_route_of_two_targets_passes(tmp_path: Path) -> None:
    """For programs a list; a route that leads to a route has the targets of both."""
    file = tmp_path / "ai.toml"
    file.write_text('[routes.chat]\ntargets = ["openai/gpt-5.2", "next"]\n[routes.next]\ntargets = ["anthropic/claude-sonnet-5"]\n')
    assert ascend_here("ai", "apply", str(file), data_dir=tmp_path).returncode == 0
    said = ascend_here("ai", "test-chain", "chat", "--json", data_dir=tmp_path)
    rows = json.loads(said.stdout)
    assert (said.returncode, len(rows), {row["verdict"] for row in rows}) == (0, 16, {"pass"})
    assert "target 2" in rows[3]["said"]


def test_a_route_of_one_target_is_told_what_it_lacks(tmp_path: Path) -> None:
    said = ascend_here("ai", "test-chain", "bulk", data_dir=tmp_path)
    assert said.returncode == 0
    assert "bulk has one target" in said.stdout


def test_a_route_that_is_none_is_refused(tmp_path: Path) -> None:
    said = ascend_here("ai", "test-chain", "bulkk", data_dir=tmp_path)
    assert (said.returncode, said.stdout) == (1, "")
    assert "did you mean 'bulk'" in said.stderr
