"""docs/guides/alerts.md, followed in a terminal at a real gateway."""

from pathlib import Path

import anyio.from_thread

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of
from tests.server.alerts.stand_ins import stand_ins


def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    steps = list(steps_of("alerts.md"))
    (tmp_path / "gateway.toml").write_text(next(step.text for step in steps if step.kind == "toml"), encoding="utf-8")
    terminal = Terminal(tmp_path, {})
    allowed = {"ASCEND_EGRESS_ALLOW": "127.0.0.1:*"}
    with (
        anyio.from_thread.start_blocking_portal() as portal,
        portal.wrap_async_context_manager(stand_ins()) as servers,
        running_gateway(terminal.data, demo=False, extra=allowed),
    ):
        file = tmp_path / "gateway.toml"
        file.write_text(file.read_text(encoding="utf-8").replace("https://pager.example.com", servers.base_url), encoding="utf-8")
        for step in [step for step in steps if step.kind == "sh"][1:]:
            terminal.follow(step)
    assert [body["type"] for _, body in servers.webhook] == ["alert.test"]
