"""A guide followed in a terminal: its files are written, its commands run in their order, its outputs compared."""

import os
import re
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, field
from pathlib import Path

from tests.command_line import ascend_here
from tests.conftest import REPOSITORY
from tests.waiting import until_here

_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: commands that only look, or may be typed again: what another process has just changed reaches them in a moment
_AGAIN = re.compile(
    r"curl |ascend (sinks|calls|errors|usage)|ascend ai (logs|usage|budget|models)|"
    r"ascend context query|ascend schedule list|.*claude -p|codex exec"
)
_EXPORTED = ("AWS_", "ASCEND_BACKUP_TO", "ASCEND_EGRESS_ALLOW")
LIMIT_S = 20.0
#: so often only what looks is typed again, where a block also calls
LOOKS_FIRST = 10


@dataclass(frozen=True, slots=True)
class Step:
    """One block of a page that is followed, and what the page says comes of it."""

    kind: str
    text: str
    shown: str = ""

    @property
    def commands(self) -> list[str]:
        """The commands of a sh block, each whole."""
        return [line for line in re.sub(r"\\\n\s*", "", self.text).splitlines() if line and not line.startswith("#")]

    @property
    def is_ai_file(self) -> bool:
        return self.kind == "toml" and "model_provider" not in tomllib.loads(self.text)


def steps_of(page: str) -> Iterator[Step]:
    """Yield the blocks of a guide in their order; a text block is what the one before it prints."""
    blocks = _BLOCK.findall((REPOSITORY / "docs" / "guides" / page).read_text(encoding="utf-8"))
    for (kind, text), (next_kind, shown) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if kind != "text":
            yield Step(kind, text, shown if next_kind == "text" else "")


def fits(shown: str, output: str) -> bool:
    """Say whether an output is as a page shows it: blanks do not count, and `…` stands for anything."""
    pattern = ".*?".join(re.escape(re.sub(r"\s", "", part)) for part in shown.split("…"))
    return re.search(pattern, re.sub(r"\s", "", output), re.DOTALL) is not None


@dataclass
class Terminal:
    """A shell in a folder of its own. `replaced`: what the page says -> where it is in this run."""

    folder: Path
    replaced: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        paths = [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ASCEND_", "ANTHROPIC_", "OPENAI_"))}
        self.environment = {**kept, "PATH": os.pathsep.join(paths), "ASCEND_DATA_DIR": str(self.data), "HOME": str(self.folder)}

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def exported(self) -> dict[str, str]:
        """What a page may export for the commands after it."""
        return {name: value for name, value in self.environment.items() if name.startswith(_EXPORTED)}

    def program(self, name: str, module: str) -> None:
        """Put a program on the path that runs a module of the tests."""
        path = self.folder / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\nPYTHONPATH="{REPOSITORY}" exec "{sys.executable}" -m {module} "$@"\n', encoding="utf-8")
        path.chmod(0o755)

    def here(self, text: str) -> str:
        """Return a text of the page with the addresses of this run."""
        for said, is_here in self.replaced.items():
            text = text.replace(said, is_here)
        return text

    def follow(self, step: Step) -> None:
        """Run the commands of a block, and look whether they print what the page shows."""
        outputs = [self.run(command) for command in step.commands]
        shown = self.here(step.shown)

        looks = 0

        def is_shown() -> bool:
            nonlocal looks
            if fits(shown, "\n".join(outputs)):
                return True
            looks += 1
            for place, command in enumerate(step.commands):
                # A row is there a moment after its call. To call again at once could make a breaker open, which the page does not show.
                is_call = not command.startswith("ascend ")
                if _AGAIN.match(command) and not (is_call and looks <= LOOKS_FIRST and len(step.commands) > 1):
                    outputs[place] = self.run(command)
            return False

        try:
            until_here(is_shown, LIMIT_S)
        except TimeoutError as error:
            raise AssertionError(f"{step.text}\nis to print\n{shown}\nand printed\n" + "\n".join(outputs)) from error

    def run(self, command: str) -> str:
        """Run one command to its end and return what it printed; it must succeed."""
        command = self.here(command)
        named, words, given = _ascend_command(command)
        if words is None:
            return self._shell(command)
        stdin = self._shell(given) if given else ""
        with chdir(self.folder):
            said = ascend_here(*words, data_dir=self.data, stdin=stdin, environ=self.exported)
        assert said.returncode == 0, (command, said)
        if named:
            self.environment[named] = said.stdout.strip()
        return said.stderr + said.stdout

    def _shell(self, command: str) -> str:
        done = subprocess.CompletedProcess[str]("", 1)
        variables = self.folder / "variables"

        def succeeds() -> bool:
            nonlocal done
            script = f'{command}\nenv -0 > "{variables}"'
            done = subprocess.run(
                ["sh", "-ec", script], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=60, check=False
            )
            return done.returncode == 0 or not _AGAIN.match(command)

        try:
            until_here(succeeds, LIMIT_S)
        except TimeoutError as error:
            raise AssertionError(f"{command}\n{done.stdout}{done.stderr}") from error
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        self.environment = dict(pair.split("=", 1) for pair in variables.read_text(encoding="utf-8").split("\0") if "=" in pair)
        return done.stdout


def _ascend_command(line: str) -> tuple[str, list[str] | None, str]:
    """Return (variable that takes the output, words behind `ascend`, command whose output it reads); no words: it is the shell's.

    In the process of the test such a command takes a tenth of the time.
    """
    found = re.fullmatch(r"(?:export (?P<named>\w+)=\$\()?(?:(?P<given>printf [^|]+) \| )?ascend (?P<words>[^$|<>]*?)(?P<end>\))?", line)
    if found is None or bool(found["named"]) != bool(found["end"]):
        return "", None, ""
    return found["named"] or "", shlex.split(found["words"], comments=True), found["given"] or ""
