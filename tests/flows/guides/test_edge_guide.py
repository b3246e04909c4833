"""docs/guides/edge.md, followed in a terminal at a real gateway."""

import subprocess
import sys
import tomllib
from pathlib import Path

from server.config_versions.read_document import read_document
from tests.flows.gateway_process import running_gateway
from tests.flows.models.guide import Terminal, steps_of
from tests.ports import free_port


def test_every_command_of_the_guide_prints_what_the_guide_shows(tmp_path: Path) -> None:
    steps = list(steps_of("edge.md"))
    first, usual = [step.text for step in steps if step.kind == "toml"]
    assert read_document(tomllib.loads(usual))["edge"]
    shell = [step for step in steps if step.kind == "sh"]
    terminal = Terminal(tmp_path, {})
    port = free_port()
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "orders.json").write_text('{"orders": [7]}\n', encoding="utf-8")
    serve = [sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1", "--directory", str(tmp_path / "shop")]
    with subprocess.Popen(serve, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as backend:
        try:
            allowed = {"ASCEND_EGRESS_ALLOW": f"127.0.0.1:{port}"}
            with running_gateway(terminal.data, demo=False, extra=allowed) as gateway:
                terminal.replaced |= {"http://127.0.0.1:8080": gateway.base_url, "127.0.0.1:9000": f"127.0.0.1:{port}"}
                (tmp_path / "gateway.toml").write_text(first.replace("127.0.0.1:9000", f"127.0.0.1:{port}"), encoding="utf-8")
                for step in shell[2:]:
                    terminal.follow(step)
        finally:
            backend.terminate()
