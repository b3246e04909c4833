"""docs/guides/configuration.md, followed in a terminal."""

import re
import tomllib
from pathlib import Path

from server.config_versions.sections.retention import Retention
from tests.command_line import ascend_here
from tests.conftest import REPOSITORY
from tests.flows.models.guide import Terminal, fits, steps_of


def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, {})
    for step in steps_of("configuration.md"):
        if step.kind == "toml":
            (tmp_path / "gateway.toml").write_text(step.text, encoding="utf-8")
        else:
            terminal.follow(step)


def test_what_the_guides_add_to_the_file_is_one_document_and_nothing_of_it_is_taken_away(tmp_path: Path) -> None:
    """Each guide says so; who follows them in turn, whichever comes first, has all of it in the end."""
    ascend_here("vault", "put", "log-bucket", data_dir=tmp_path / "data", stdin="AKIAIOSFODNN7EXAMPLE:wJalrXUtnFEMI")
    for name in ("pager", "slack-ops", "telegram", "smtp", "log-service"):
        ascend_here("vault", "put", name, data_dir=tmp_path / "data", stdin="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    file, text = tmp_path / "gateway.toml", ""
    for page in ("log-sinks.md", "configuration.md", "alerts.md"):
        text += "\n".join(step.text for step in steps_of(page) if step.kind == "toml") + "\n"
        file.write_text(text, encoding="utf-8")
        said = ascend_here("config", "diff", str(file), data_dir=tmp_path / "data")
        assert said.returncode == 0, (page, said)
        assert not [line for line in said.stdout.splitlines() if line.startswith("-")], page
        assert ascend_here("config", "apply", str(file), data_dir=tmp_path / "data").returncode == 0, page
    shown = tomllib.loads(ascend_here("config", "show", data_dir=tmp_path / "data").stdout)
    assert shown == tomllib.loads(text)
    assert set(shown) == {"alerts", "jobs", "limits", "plans", "retention", "sinks"}


def test_the_faults_are_worded_as_the_guide_says(tmp_path: Path) -> None:
    text = (REPOSITORY / "docs" / "guides" / "configuration.md").read_text(encoding="utf-8")
    [shown] = re.findall(r"^```text\n(ascend: gateway\.toml.*?)^```", text, re.DOTALL | re.MULTILINE)
    (tmp_path / "gateway.toml").write_text("[retention]\ncall_days = 14\naudit_days = 7\n", encoding="utf-8")
    said = ascend_here("config", "apply", str(tmp_path / "gateway.toml"), data_dir=tmp_path / "data")
    assert said.returncode == 1
    assert fits(shown.replace("gateway.toml", str(tmp_path / "gateway.toml")), said.stderr)


def test_the_guide_has_every_name_of_retention_with_what_it_is() -> None:
    text = (REPOSITORY / "docs" / "guides" / "configuration.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`\w+(?:`, `\w+)?`) \| ([\d, ]+) \|", text, re.MULTILINE)
    said = {name: int(value) for names, values in rows for name, value in zip(re.findall(r"\w+", names), values.split(","), strict=True)}
    assert said == {name: getattr(Retention(), name) for name in Retention.__slots__}
