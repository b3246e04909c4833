"""Nodes of one gateway, each a process with a data directory and a way to PostgreSQL of its own."""

import os
import signal
from dataclasses import dataclass, field
from pathlib import Path

from tests.flows.gateway_process import environment, read_until_ready
from tests.flows.node_chaos.network import Link
from tests.forked.program import ForkedProgram


@dataclass(eq=False)
class Node:
    """`extra`: settings that all nodes have."""

    name: str
    folder: Path
    port: int
    base_url: str
    link: Link
    extra: dict[str, str]
    process: ForkedProgram | None = None
    _starts: int = field(default=0)

    @property
    def environment(self) -> dict[str, str]:
        url = f"postgresql://ascend@127.0.0.1:{self.link.port}/postgres"
        return environment({**self.extra, "ASCEND_DATABASE_URL": url, "ASCEND_BASE_URL": self.base_url})

    def start(self) -> None:
        self._starts += 1
        words = ["serve", "--port", str(self.port), "--data", str(self.folder / self.name)]
        for path in self._files():
            path.touch()
        self.process = ForkedProgram(words, self.environment, *self._files())

    def until_ready(self) -> None:
        assert self.process is not None
        read_until_ready(self.process, *self._files())

    def kill(self) -> None:
        self._send(signal.SIGKILL)
        assert self.process is not None
        self.process.wait(20)

    def stop(self) -> None:
        self._send(signal.SIGSTOP)

    def go_on(self) -> None:
        self._send(signal.SIGCONT)

    def terminate(self) -> int:
        """Return the exit code of a node that was told to end."""
        self._send(signal.SIGTERM)
        assert self.process is not None
        return self.process.wait(60)

    def log(self) -> str:
        return "".join(path.read_text(encoding="utf-8") for path in sorted(self.folder.glob(f"{self.name}-*.err")))

    def _send(self, number: int) -> None:
        assert self.process is not None
        os.kill(self.process.pid, number)

    def _files(self) -> tuple[Path, Path]:
        return self.folder / f"{self.name}-{self._starts}.out", self.folder / f"{self.name}-{self._starts}.err"
