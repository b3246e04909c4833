"""docs/guides/webhooks.md, followed in a terminal at a real gateway."""

import tomllib
from pathlib import Path

from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of


def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    steps = list(steps_of("webhooks.md"))
    for step in steps:
        if step.kind == "yaml":
            (tmp_path / "order-paid.yaml").write_text(step.text, encoding="utf-8")
        if step.kind == "toml":
            name = "hooks.toml" if tomllib.loads(step.text)["webhooks"][0]["source"] == "shop" else "factory.toml"
            (tmp_path / name).write_text(step.text, encoding="utf-8")
    terminal = Terminal(tmp_path, {})
    with running_gateway(terminal.data, demo=False) as gateway:
        terminal.replaced["http://127.0.0.1:8080"] = gateway.base_url
        for step in [step for step in steps if step.kind == "sh"][1:]:
            terminal.follow(step)
