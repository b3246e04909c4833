"""A real gateway in a process of its own, started as a user starts it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.empty_store import put_data_directory
from tests.forked.program import ForkedProgram, run_forked
from tests.ports import free_port
from tests.waiting import until_here

START_LIMIT_S = 60


@dataclass(frozen=True, slots=True)
class RunningGateway:
    """What `ascend serve` printed, and its process."""

    process: subprocess.Popen[str] | ForkedProgram
    data_dir: Path
    base_url: str
    mcp_url: str
    email: str
    password: str
    output: str
    demo_url: str = ""


def ascend(
    *arguments: str, data_dir: Path, stdin: str | None = None, timeout_s: float = 60, extra: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run one `ascend` command to its end, in a process of its own."""
    return run_forked(*arguments, "--data", str(data_dir), environ=environment(extra), stdin=stdin or "", timeout_s=timeout_s)


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASCEND_")}
    return {**kept, "ASCEND_RATE_LIMIT_SCALE": "1000", **(extra or {})}


@contextmanager
def running_gateway(
    data_dir: Path,
    *,
    demo: bool = True,
    onboarding: bool = False,
    port: int | None = None,
    is_first_start: bool = False,
    from_nothing: bool = False,
    extra: Mapping[str, str] | None = None,
    options: tuple[str, ...] = (),
) -> Iterator[RunningGateway]:
    """Start `ascend serve`, wait for its ready line, and stop it with SIGTERM at the end, which must exit 0.

    `onboarding`: the demo as newcomers get it, whose CRM asks for consent; else an open one, which answers straight away.
    `is_first_start`: on nothing, or on what is there, rather than on what a first start left.
    `from_nothing`: the interpreter and the loading of the program, too, with the limits of this process.
    """
    if not is_first_start:
        put_data_directory(data_dir)
    port = port or free_port()
    words = ["serve", "--port", str(port), "--data", str(data_dir), *options]
    if demo:
        words += ["--demo" if onboarding else "--demo-open", "--demo-port", str(free_port())]
    output_file, error_file = (data_dir.parent / f"{data_dir.name}-{port}.{kind}" for kind in ("out", "err"))
    process: subprocess.Popen[str] | ForkedProgram
    with output_file.open("w") as out, error_file.open("w") as err:
        if from_nothing:
            command = [str(Path(sys.executable).with_name("ascend")), *words]
            process = subprocess.Popen(command, stdout=out, stderr=err, text=True, env=environment(extra))
        else:
            process = ForkedProgram(words, environment(extra), output_file, error_file)
    try:
        output = read_until_ready(process, output_file, error_file)
        yield describe(process, data_dir, port, output)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(timeout=60)
        finally:
            process.kill()
    assert code in (0, -signal.SIGKILL), f"the gateway exited with {code}: {error_file.read_text(encoding='utf-8')[-2000:]}"


def read_until_ready(process: subprocess.Popen[str] | ForkedProgram, output_file: Path, error_file: Path) -> str:
    def is_ready() -> bool:
        return re.search(r"^ready .*\n", output_file.read_text(encoding="utf-8"), re.MULTILINE) is not None

    until_here(lambda: is_ready() or process.poll() is not None, START_LIMIT_S)
    shown = output_file.read_text(encoding="utf-8")
    assert is_ready(), f"the gateway did not get ready: {shown}{error_file.read_text(encoding='utf-8')[-4000:]}"
    return shown


def describe(process: subprocess.Popen[str] | ForkedProgram, data_dir: Path, port: int, output: str) -> RunningGateway:
    sign_in = re.search(r"^\s*sign in\s+(\S+)\s+password\s+(\S+)", output, re.MULTILINE)
    demo = re.search(r"^\s*demo CRM\s+(\S+)", output, re.MULTILINE)
    base_url = f"http://127.0.0.1:{port}"
    email, password = (sign_in[1], sign_in[2]) if sign_in else ("", "")
    return RunningGateway(process, data_dir, base_url, f"{base_url}/mcp", email, password, output, demo[1] if demo else "")
