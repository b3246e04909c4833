"""docs/guides/backups.md, followed in a terminal at a real gateway."""

from pathlib import Path

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of


def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    """From nothing to a restored directory."""
    steps = [step for step in steps_of("backups.md") if step.kind == "sh"]
    terminal = Terminal(tmp_path, {})
    with running_gateway(terminal.data, demo=False):
        for step in steps[1:-1]:
            terminal.follow(step)
        [backup] = (terminal.data / "backups").glob("*.age")
        # What the terminal printed is gone; this machine's key opens it as well.
        (tmp_path / "recovery.key").write_text((terminal.data / "backup.key").read_text())
        (tmp_path / "backup.age").write_bytes(backup.read_bytes())
    terminal.follow(steps[-1])
    assert (tmp_path / "restored" / "ascend.sqlite3").is_file()
