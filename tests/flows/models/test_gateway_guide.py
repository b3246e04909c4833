"""docs/guides/ai-gateway.md: every file is taken, every command runs in its order and prints what the page shows."""

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from tests.command_line import ascend_here
from tests.conftest import REPOSITORY
from tests.flows.gateway_process import RunningGateway, running_gateway
from tests.flows.models.guide import Step, Terminal, fits, steps_of
from tests.flows.models.stand_in import TEXT, StandIn
from tests.ports import free_port
from tests.server.demo.listening import listening
from tools.ai_gateway.configuration.build_config import build_config
from tools.ai_gateway.configuration.read_document import read_toml

PAGE = "ai-gateway.md"
STEPS = list(steps_of(PAGE))
SERVE = next(place for place, step in enumerate(STEPS) if " ascend serve" in step.text)
#: what comes after a model of the reader's own has answered
OWN_MODEL = next(place for place, step in enumerate(STEPS) if "PROVIDER_KEY" in step.text)
OLLAMA = "http://127.0.0.1:11434/v1"

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="no curl here")


@dataclass
class Followed:
    """Where the reader stands after the first answer."""

    terminal: Terminal
    stand_in: StandIn
    gateway: RunningGateway
    #: what the file has beside the page: a stand-in in the place of Anthropic
    beside: str

    def take(self, step: Step) -> None:
        if step.is_ai_file:
            (self.terminal.folder / "ai.toml").write_text(self.terminal.here(step.text) + self.beside, encoding="utf-8")
        elif step.kind == "toml":
            (self.terminal.folder / ".codex").mkdir()
            (self.terminal.folder / ".codex" / "config.toml").write_text(self.terminal.here(step.text), encoding="utf-8")
        elif step.kind == "sh":
            self.terminal.follow(step)


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Followed]:
    """Follow the page until a model of the reader's own has answered."""
    folder, stand_in, port = tmp_path_factory.mktemp("reader"), StandIn(), free_port()
    with listening(stand_in.app()) as url:
        places = {OLLAMA: f"{url}/ollama/v1", "127.0.0.1:11434": url.removeprefix("http://"), "127.0.0.1:8080": f"127.0.0.1:{port}"}
        terminal = Terminal(folder, places)
        terminal.program("claude", "tests.flows.models.clients.claude_code")
        terminal.program("codex", "tests.flows.models.clients.codex")
        terminal.environment |= {"PROVIDER_KEY": "sk-first", "NEW_PROVIDER_KEY": "sk-second"}
        beside = f'\n[providers.anthropic]\nbase_url = "{url}/anthropic"\n'
        [line] = STEPS[SERVE].commands
        assert line == "ASCEND_EGRESS_ALLOW=127.0.0.1:11434 ascend serve --demo"
        allowed = {"ASCEND_EGRESS_ALLOW": url.removeprefix("http://")}
        with running_gateway(terminal.data, onboarding=True, port=port, extra=allowed) as gateway:
            assert fits(terminal.here(STEPS[SERVE].shown), gateway.output)
            terminal.replaced["asc_ak_…"] = re.findall(r"model key\s+(asc_ak_\S+)", gateway.output)[0]
            reader = Followed(terminal, stand_in, gateway, beside)
            for step in STEPS[SERVE + 1 : OWN_MODEL]:
                reader.take(step)
            yield reader


def test_every_command_of_the_guide_prints_what_the_guide_shows(followed: Followed) -> None:
    """From the third answer to the last line of the page; the programs that are called keep their settings where it says."""
    for step in STEPS[OWN_MODEL:]:
        followed.take(step)
    turns = [(provider, headers) for provider, headers, body in followed.stand_in.asked if "system" in body and provider == "anthropic"]
    assert [headers.get("authorization", headers.get("x-api-key")) for _, headers in turns] == [
        "sk-first",
        "sk-first",
        "Bearer sk-ant-oat01-of-the-person",
    ]
    assert all("x-gateway-authorization" not in headers and headers["anthropic-beta"] for _, headers in turns)
    # The key that was replaced is the one that is used.
    assert followed.stand_in.asked[-1][1]["x-api-key"] == "sk-second"


@pytest.mark.parametrize("sdk", ["openai", "anthropic"])
def test_the_scripts_with_the_sdks_run_as_printed(followed: Followed, tmp_path: Path, sdk: str) -> None:
    """Both SDKs, each by its own base URL."""
    if importlib.util.find_spec(sdk) is None:
        pytest.skip(f"{sdk}'s SDK is not installed; run `make install`")
    [script] = [step.text for step in STEPS if step.kind == "python" and f"from {sdk} import" in step.text]
    (tmp_path / "first.py").write_text(script, encoding="utf-8")
    command = [sys.executable, str(tmp_path / "first.py")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=followed.terminal.environment)
    assert (done.stdout.strip(), done.returncode) == (TEXT, 0), done.stderr


def test_the_files_of_the_guide_are_sound() -> None:
    """Those that no command of the page applies, too."""
    files = [step.text for step in STEPS if step.is_ai_file]
    assert len(files) == 4
    for text in files:
        assert build_config(read_toml(text.encode())).routes


def test_the_addresses_of_the_guide_are_those_that_the_gateway_answers(followed: Followed) -> None:
    """Its table of URLs: none is answered by "there is nothing at this address"."""
    page = (REPOSITORY / "docs" / "guides" / PAGE).read_text(encoding="utf-8")
    table = page.partition("## Addresses")[2].partition("## Which")[0]
    paths = [path for path in re.findall(r"`(?:POST |GET )?(/v1/[^` ]+)`", table) if path != "/v1/models/ID"]
    assert len(paths) > 9
    key = followed.terminal.environment["GATEWAY_KEY"]
    for path in paths:
        where = path.replace("TENANT", "default").replace("GATEWAY", "agents").replace("PROVIDER/PATH", "ollama/chat/completions")
        method = "-G" if path == "/v1/models" else "-d{}"
        command = f"curl -sS {method} {followed.gateway.base_url}{where} -H 'Authorization: Bearer {key}'"
        assert "nothing at this address" not in subprocess.run(shlex.split(command), capture_output=True, text=True, check=True).stdout


def test_the_operation_of_the_guide_asks_a_model_from_a_conversation(followed: Followed) -> None:
    """ "From MCP"."""
    [call] = [json.loads(step.text) for step in STEPS if step.kind == "json"]
    minted = ascend_here("user", "add", "grace@example.com", "--tenant", "default", data_dir=followed.terminal.data)
    assert minted.returncode == 0
    token = ascend_here(
        "token", "mint", "--tenant", "default", "--user", "grace@example.com", data_dir=followed.terminal.data
    ).stdout.strip()
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream", "MCP-Protocol-Version": "2025-11-25"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call}
    answer = httpx2.post(followed.gateway.mcp_url, json=asked, headers=headers, timeout=20)
    assert TEXT in answer.text
