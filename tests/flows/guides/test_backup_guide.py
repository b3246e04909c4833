"""docs/guides/backups.md, followed in a terminal at a real gateway."""

from pathlib import Path

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of
from tests.s3_server import running_s3


def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    """From nothing to a restored directory, and into a bucket of a real server on the way."""
    steps = [step for step in steps_of("backups.md") if step.kind == "sh"]
    with running_s3() as s3, running_gateway(tmp_path / "data", demo=False):
        bucket = s3.bucket()
        terminal = Terminal(
            tmp_path,
            {
                "?region=eu-central-1": "",
                "my-backups": bucket,
                "AKIAIOSFODNN7EXAMPLE": s3.key_id,
                "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": s3.secret,
            },
        )
        terminal.environment |= {"AWS_ENDPOINT_URL_S3": s3.endpoint, "ASCEND_EGRESS_ALLOW": f"127.0.0.1:{s3.port}"}
        for step in steps[1:-1]:
            terminal.follow(step)
        [backup] = (terminal.data / "backups").glob("*.age")
        # What the terminal printed is gone; this machine's key opens it as well.
        (tmp_path / "recovery.key").write_text((terminal.data / "backup.key").read_text())
        (tmp_path / "backup.age").write_bytes(backup.read_bytes())
    terminal.follow(steps[-1])
    assert (tmp_path / "restored" / "ascend.sqlite3").is_file()
