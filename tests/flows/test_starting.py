"""Starting the way a newcomer does, and everything that can be in the way: one line that says what to do, and the right exit code."""

import os
import re
import shlex
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from tests.command_line import ascend_here
from tests.flows.gateway_process import ascend, environment, running_gateway
from tests.forked.program import NOTHING, ForkedProgram
from tests.ports import free_port
from tests.waiting import until_here

#: as after `make serve`, which puts nothing on the PATH
NOT_ON_PATH = {"PATH": os.defpath}


def test_a_second_demo_on_the_same_folder_or_port_is_refused_in_one_line(tmp_path: Path) -> None:
    """contracts.md: errors name the thing, the rule and the way out. The first is the program itself, from its first instruction on."""
    with running_gateway(tmp_path / "data", onboarding=True, from_nothing=True) as gateway:
        port = gateway.base_url.rpartition(":")[2]
        same_port = ascend("serve", "--demo", "--port", port, data_dir=tmp_path / "other")
        same_folder = ascend("serve", "--demo", "--port", str(free_port()), data_dir=gateway.data_dir)
    assert (same_port.returncode, same_folder.returncode) == (1, 1)
    assert re.fullmatch(rf"ascend: 127\.0\.0\.1:{port}: .*--port, or `make serve PORT=8181`\n", same_port.stderr)
    assert re.fullmatch(r"ascend: another `ascend serve --demo` uses .*--data\n", same_folder.stderr)


def test_the_next_start_says_how_to_get_a_new_password(tmp_path: Path) -> None:
    """The password is shown once; whoever lost it is told the way out, which works while the gateway runs."""
    with running_gateway(tmp_path / "data", onboarding=True, is_first_start=True) as gateway:
        assert gateway.password
        assert "until you connect the demo CRM, a call answers with a link" in gateway.output
    with running_gateway(tmp_path / "data", onboarding=True, extra=NOT_ON_PATH) as gateway:
        assert not gateway.password
        [shown] = re.findall(r"^ +(\S+ascend user password .*)   \(it signs them out everywhere\)$", gateway.output, re.MULTILINE)
        assert str(gateway.data_dir) in shown
        done = subprocess.run(shlex.split(shown), capture_output=True, text=True, timeout=60, check=False, env=environment(NOT_ON_PATH))
        assert done.returncode == 0, done.stderr


def test_a_demo_that_cannot_have_its_folder_says_so_in_one_line(tmp_path: Path) -> None:
    """contracts.md: errors name the thing, the rule and the way out; also a file where the folder or the lock should be."""
    (tmp_path / "file").touch()
    (tmp_path / "data" / "demo-crm.lock").mkdir(parents=True)
    in_the_way = {tmp_path / "file" / "data": "Not a directory", tmp_path / "data": "Is a directory"}
    for folder, reason in in_the_way.items():
        done = ascend("serve", "--demo", "--port", "0", data_dir=folder)
        assert done.returncode == 1
        assert re.fullmatch(rf"ascend: .*{folder}.*: {reason}; name another.* with --data or ASCEND_DATA_DIR\n", done.stderr)


def test_ctrl_c_while_it_starts_says_that_it_stopped(tmp_path: Path) -> None:
    """As soon as its folder is taken: one line and 130, or 0 once it was ready; never a stack trace."""
    with subprocess.Popen(
        [str(Path(sys.executable).with_name("ascend")), *serving_demo(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
        # A suite that a shell runs in the background has SIGINT ignored, and its children inherit that.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            until_here((tmp_path / "demo-crm.lock").exists)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=30)
        finally:
            process.kill()
    assert "Traceback" not in errors
    assert process.returncode in (0, 130)


@pytest.mark.parametrize("sign", ["ascend.sqlite3", "vault.kek"])
def test_ctrl_c_stops_a_start_however_far_it_came(tmp_path: Path, sign: str) -> None:
    """As soon as `sign` is there."""
    data, err = tmp_path / "data", tmp_path / "err"
    process = ForkedProgram(serving_demo(data), environment(), NOTHING, err)
    try:
        until_here((data / sign).exists)
        process.send_signal(signal.SIGINT)
        code = process.wait(30)
    finally:
        process.kill()
    assert "Traceback" not in err.read_text()
    assert code in (0, 130)


def serving_demo(data: Path) -> list[str]:
    return ["serve", "--demo", "--port", str(free_port()), "--demo-port", str(free_port()), "--data", str(data)]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("serve", "--prot", "1"), "--port"),
        (("serve", "--port", "http"), "see `ascend serve --help`"),
        (("demo-upstream", "--port", "99999"), "0<=x<=65535"),
        (("serve", "extra"), "see `ascend serve --help`"),
        (("sevre",), "see `ascend --help`"),
    ],
)
def test_wrong_words_are_answered_with_where_to_look(words: tuple[str, ...], said: str, tmp_path: Path) -> None:
    """Exit 2 is wrong usage."""
    done = ascend_here(*words, data_dir=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert said in done.stderr


def test_sign_in_in_the_clear_is_said_at_the_start_with_its_ways_out(tmp_path: Path) -> None:
    """attacks.md: `--host 0.0.0.0` said nothing; an http origin off this machine is refused for the same reason, by the same option."""
    data = tmp_path / "data"

    def said(*options: str) -> str:
        port = free_port()
        with running_gateway(data, demo=False, port=port, options=options):
            return (tmp_path / f"data-{port}.err").read_text(encoding="utf-8")

    assert re.search(r"^warning: listening on 0\.0\.0\.0 by plain http: .*--insecure-http", said("--host", "0.0.0.0"), re.MULTILINE)
    assert "0.0.0.0" in ascend_here("doctor", data_dir=data).stdout
    assert said("--host", "0.0.0.0", "--insecure-http") == ""
    refused = ascend("serve", "--port", "0", "--base-url", "http://192.168.1.5:8080", data_dir=data)
    assert refused.returncode == 2
    assert "--insecure-http" in refused.stderr
