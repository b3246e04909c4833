"""docs/guides/ai-budgets.md: its file is taken, and its commands run in their order."""

import re
import shlex
from pathlib import Path

import pytest

from tests.command_line import ascend_here
from tests.conftest import REPOSITORY

PAGE = (REPOSITORY / "docs" / "guides" / "ai-budgets.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


def test_the_guide_can_be_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ai.toml").write_text("".join(blocks("toml")), encoding="utf-8")
    data = tmp_path / "data"
    ascend_here("tenant", "add", "acme", data_dir=data)
    # The blocks behind it need a gateway: tests/flows/models follows them.
    block = blocks("sh")[0]
    said = {}
    for line in block.splitlines():
        words = shlex.split(line, comments=True)[1:]
        done = ascend_here(*words, data_dir=data)
        assert done.returncode == 0, (line, done)
        said[words[1]] = done.stdout
    assert "acme-month" in said["budget"]
    assert "each-person" in said["budget"]
    assert "key batch" in said["budget"]
    assert "1.75" in said["price"]
    assert "anthropic/claude-opus-4-8" in said["simulate"]
