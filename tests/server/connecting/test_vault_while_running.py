"""The vault under a gateway that runs: both key layers rotated without downtime, kill -9 in the middle, environments kept apart."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from server.demo.app import build
from tests.command_line import ascend_here
from tests.flows.gateway_process import RunningGateway, ascend, environment, running_gateway
from tests.forked.program import NOTHING, ForkedProgram
from tests.ports import free_port
from tests.server.connecting.test_connecting_processes import EMAIL, PASSWORD, told
from tests.server.demo.listening import listening
from tests.waiting import until_here

KEY = "k-crm-never-shown-1"
WANTED = {"api": "crm.contacts.search", "args": {"query": "Ada"}}


def kill_while_rotating(data: Path, *, has_begun: bool) -> None:
    """kill -9 at once, or after its first line."""
    said = data.with_name("said")
    said.write_text("")
    process = ForkedProgram(["vault", "rotate", "--data", str(data)], environment(), said, NOTHING)
    if has_begun:
        until_here(lambda: "\n" in said.read_text() or process.poll() is not None)
    process.kill()
    process.wait(30)


@contextmanager
def calling(gateway: RunningGateway, token: str, outcomes: list[str]) -> Iterator[None]:
    """Call all the time in a thread of its own, and note what came of each call."""
    stop = threading.Event()

    def call() -> None:
        while not stop.wait(0.01):
            outcomes.append(str(told(gateway, token, "call_api", WANTED)["status"]))

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(30)


def test_both_key_layers_are_rotated_under_load_and_a_killed_rotation_costs_nothing(tmp_path: Path) -> None:
    """Issue 6: rotation of both key layers without downtime; kill -9 in rotation: the store opens, no account is lost."""
    data, port = tmp_path / "data", free_port()
    with listening(build(api_key=KEY, requests_per_min=1_000_000)) as crm_url:
        data.mkdir(mode=0o700)
        settings = f'base_url = "http://127.0.0.1:{port}"\negress_allow = ["{urlsplit(crm_url).netloc}"]\n'
        (data / "ascend.toml").write_text(settings)
        for words, stdin in (
            (("user", "add", EMAIL, "--tenant", "default", "--password-stdin"), f"{PASSWORD}\n"),
            (("import", "openapi", f"{crm_url}/openapi.json", "--provider", "crm", "--shared"), None),
            (("connection", "add-key", "crm"), f"{KEY}\n"),
        ):
            done = ascend_here(*words, data_dir=data, stdin=stdin or "")
            assert done.returncode == 0, done.stderr
        token = ascend_here("token", "mint", "--tenant", "default", "--user", EMAIL, data_dir=data).stdout.strip()
        outcomes: list[str] = []
        with running_gateway(data, demo=False, port=port) as gateway:
            assert told(gateway, token, "call_api", WANTED)["status"] == "ok"
            with calling(gateway, token, outcomes):
                for _ in range(2):
                    assert ascend_here("vault", "rotate", data_dir=data).returncode == 0
                for has_begun in (True, True, False):
                    kill_while_rotating(data, has_begun=has_begun)
                until_here(lambda: len(outcomes) > 10)
            assert set(outcomes) == {"ok"}
            added = ascend_here("connection", "add-key", "crm", "--alias", "second", data_dir=data, stdin=f"{KEY}\n")
            assert added.returncode == 0, added.stderr
        with running_gateway(data, demo=False, port=port) as gateway:
            assert told(gateway, token, "call_api", WANTED)["status"] == "ok"
        verified = ascend_here("vault", "verify", data_dir=data)
        assert (verified.returncode, "rolled back" in verified.stdout) == (0, False)
        assert KEY.encode() not in b"".join(path.read_bytes() for path in data.iterdir() if path.is_file())


def test_a_development_process_refuses_a_production_store(tmp_path: Path) -> None:
    """Issue 6: the environment name is stamped into the store, and is part of every seal."""
    production, development = {"ASCEND_ENV": "production"}, {"ASCEND_ENV": "development"}
    first = ascend_here("connection", "add-key", "crm", data_dir=tmp_path / "data", stdin="k\n", environ=production)
    assert first.returncode == 0, first.stderr
    refusals = [
        (done.returncode, done.stderr)
        for words in (("connection", "list"), ("vault", "rotate"))
        for done in [ascend_here(*words, data_dir=tmp_path / "data", environ=development)]
    ]
    started = ascend("serve", "--port", "0", data_dir=tmp_path / "data", extra=development)
    for code, said in (*refusals, (started.returncode, started.stderr)):
        assert code != 0
        assert "belongs to environment 'production'" in said
        assert "Traceback" not in said
    assert os.listdir(tmp_path / "data")
    assert ascend_here("connection", "list", data_dir=tmp_path / "data", environ=production).returncode == 0
