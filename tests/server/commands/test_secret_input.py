"""Secrets at a terminal: asked for, typed unseen, and given up with Ctrl-C."""

import os
import pty
import select
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.command_line import ascend_here
from tests.flows.gateway_process import environment
from tests.forked.program import ForkedProgram

SECRET = "a long and secret line"
WAIT_S = 60


@dataclass(slots=True)
class Terminal:
    """A command with a terminal of its own, and what stands on the screen."""

    process: ForkedProgram
    screen_fd: int
    screen: str = ""

    def read_until(self, text: str) -> None:
        """Read on until `text` stands there, or the command is done."""
        give_up_at = time.monotonic() + WAIT_S
        while text not in self.screen and time.monotonic() < give_up_at:
            readable, _, _ = select.select([self.screen_fd], [], [], 0.05)
            if readable:
                self.screen += os.read(self.screen_fd, 4096).decode()
            elif self.process.poll() is not None:
                break

    def type(self, line: str) -> None:
        os.write(self.screen_fd, f"{line}\n".encode())

    def end(self) -> int:
        code = self.process.wait(WAIT_S)
        self.read_until("\x00")
        return code


@contextmanager
def terminal(data: Path, *words: str) -> Iterator[Terminal]:
    """Run `ascend` as a person does who sits at it."""
    screen_fd, own_fd = pty.openpty()
    own = Path(os.ttyname(own_fd))
    process = ForkedProgram([*words, "--data", str(data)], environment({"TERM": "dumb"}), own, own, own)
    try:
        yield Terminal(process, screen_fd)
    finally:
        process.kill()
        process.wait(WAIT_S)
        os.close(own_fd)
        os.close(screen_fd)


@pytest.mark.parametrize(
    ("words", "asks", "done"),
    [
        (("connection", "add-key", "weather"), "secret of weather: ", "is ready for everybody"),
        (("user", "add", "ada@example.com", "--tenant", "default", "--password-stdin"), "password of ada@example.com: ", "can sign in"),
    ],
)
def test_at_a_terminal_a_secret_is_asked_for_and_never_shown(tmp_path: Path, words: tuple[str, ...], asks: str, done: str) -> None:
    """A command that waits without a word looks hung, and what is typed would stay on the screen."""
    with terminal(tmp_path, *words) as screen:
        screen.read_until(asks)
        screen.type(SECRET)
        assert screen.end() == 0, screen.screen
    assert done in screen.screen
    assert SECRET not in screen.screen


def test_ctrl_c_at_the_question_stops_at_once_and_keeps_nothing(tmp_path: Path) -> None:
    """Exit code 130 and one line, as everywhere."""
    with terminal(tmp_path, "connection", "add-key", "weather") as screen:
        screen.read_until("secret of weather: ")
        screen.process.send_signal(signal.SIGINT)
        assert screen.end() == 130, screen.screen
    assert "ascend: stopped" in screen.screen
    assert ascend_here("connection", "list", "--json", data_dir=tmp_path).stdout.strip() == "[]"


def test_a_key_of_several_lines_is_not_typed(tmp_path: Path) -> None:
    """A terminal ends a secret with its first line."""
    with terminal(tmp_path, "provider", "add", "github_app", "--client-id", "Iv1", "--secret-stdin") as screen:
        assert screen.end() == 2, screen.screen
    assert "has several lines; pipe it in" in screen.screen
