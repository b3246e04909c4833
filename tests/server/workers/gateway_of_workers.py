"""A gateway of several workers in processes of their own, and what its log says of them."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.flows.gateway_process import RunningGateway, running_gateway
from tests.waiting import until_here

_STARTED = re.compile(r" worker_started worker=(\d+) process=(\d+)")


@dataclass(frozen=True, slots=True)
class WorkersGateway:
    running: RunningGateway
    port: int

    @property
    def log(self) -> str:
        return (self.running.data_dir.parent / f"{self.running.data_dir.name}-{self.port}.err").read_text(encoding="utf-8")

    def started(self) -> list[tuple[int, int]]:
        """Return worker and process of every start until now."""
        return [(int(worker), int(process)) for worker, process in _STARTED.findall(self.log)]

    def process_of(self, worker: int) -> int:
        """Return the newest process that is this worker."""
        return [process for each, process in self.started() if each == worker][-1]

    def send_signal(self, number: int) -> None:
        self.running.process.send_signal(number)

    def until_logged(self, words: str, times: int = 1) -> None:
        until_here(lambda: self.log.count(words) >= times)

    def begun_request(self) -> socket.socket:
        """Begin a request and keep the end of its body back."""
        connection = socket.create_connection(("127.0.0.1", self.port), 10)
        head = f"POST /token HTTP/1.1\r\nhost: 127.0.0.1:{self.port}\r\ncontent-type: application/x-www-form-urlencoded\r\n"
        connection.sendall(f"{head}content-length: 10\r\nexpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")  # The application has it, and waits for its body.
        return connection


@contextmanager
def gateway_of_workers(data: Path, count: int = 2, extra: dict[str, str] | None = None) -> Iterator[WorkersGateway]:
    with running_gateway(data, demo=False, options=("--workers", str(count)), extra=extra) as running:
        yield WorkersGateway(running, int(running.base_url.rpartition(":")[2]))
