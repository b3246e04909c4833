"""The unit: what systemd says of it, and the program under the restrictions that this system can put on it without systemd."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from server.config.settings import DECLARED
from tests.conftest import REPOSITORY
from tests.deploy.programs import program
from tests.flows.gateway_process import environment
from tests.ports import free_port
from tests.waiting import until_here

UNIT = REPOSITORY / "docs" / "deploy" / "ascend.service"
MAX_EXPOSURE = 2.5
#: in a mount namespace whose root is read-only but for the data and /tmp, with no capabilities and no memory that is written and executed
CONFINED = """
mount --make-rprivate / && mount --bind "$1" "$1" && mount -o remount,bind,ro / && mount -t tmpfs tmpfs /tmp &&
touch /refused 2>/dev/null && exit 9
shift && exec setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
PR_SET_MDWE, REFUSE_EXEC_GAIN = 65, 1
DENY_WRITE_EXECUTE = f"""
import ctypes, os, sys
assert ctypes.CDLL(None, use_errno=True).prctl({PR_SET_MDWE}, {REFUSE_EXEC_GAIN}, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
os.execv(sys.argv[1], sys.argv[1:])
"""
#: what all of that needs of the system: a container may have a root that may mount nothing, and an old kernel does not know the last
POSSIBLE = 'mount --make-rprivate / && mount -t tmpfs tmpfs /mnt && shift && exec setpriv --bounding-set=-all "$@"'


def test_systemd_takes_the_unit_and_finds_it_little_exposed(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"^ExecStart=\S+", f"ExecStart={sys.executable}", UNIT.read_text(encoding="utf-8"), flags=re.MULTILINE))
    analyse = program("systemd-analyze")
    verified = subprocess.run([analyse, "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False)
    assert unit.name not in verified.stderr, verified.stderr
    judged = subprocess.run([analyse, "security", "--offline=true", str(unit)], capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged.stdout)
    assert found is not None, judged.stderr
    assert float(found[1]) <= MAX_EXPOSURE


def test_the_unit_sets_settings_that_there_are_and_no_secret() -> None:
    text = UNIT.read_text(encoding="utf-8")
    known = {declared.variable for declared in DECLARED.values()} | {"ASCEND_DATA_DIR"}
    assert set(re.findall(r"\b(ASCEND_[A-Z_]+)=", text)) <= known
    [command] = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    assert shlex.split(command) == ["/opt/ascend/bin/ascend", "serve"]


@pytest.fixture
def unshare() -> str:
    """The program that confines. Skips the test where this system lets nobody be confined."""
    found = program("unshare")
    program("setpriv")
    tried = [found, "--mount", "sh", "-c", POSSIBLE, "sh", "/mnt", sys.executable, "-c", DENY_WRITE_EXECUTE, "/bin/true"]
    if os.geteuid() != 0 or subprocess.run(tried, capture_output=True, timeout=60, check=False).returncode != 0:
        pytest.skip("this system lets nobody be confined")
    return found


def test_a_gateway_runs_confined_as_the_unit_and_the_image_confine_it(unshare: str, tmp_path: Path) -> None:
    """A root that cannot be written, no capabilities, no new privileges, no memory that is both written and executed; two processes."""
    data = tmp_path / "data"
    data.mkdir()
    port = free_port()
    ascend = str(Path(sys.executable).with_name("ascend"))
    served = [sys.executable, "-c", DENY_WRITE_EXECUTE, ascend, "serve", "--port", str(port), "--data", str(data)]
    command = [unshare, "--mount", "sh", "-c", CONFINED, "sh", str(data), *served]
    log = tmp_path / "log"
    with log.open("w") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=environment({"ASCEND_WORKERS": "2"}))
    try:
        until_here(lambda: "\nready " in log.read_text(encoding="utf-8") or process.poll() is not None, 60)
        assert process.poll() is None, log.read_text(encoding="utf-8")[-2000:]
    finally:
        process.terminate()
        code = process.wait(timeout=30)
    assert code == 0, log.read_text(encoding="utf-8")[-2000:]
