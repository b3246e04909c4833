"""What the supervisor does about workers that die, signals and the end, with real processes."""

import asyncio
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from server.config.errors import SettingsError
from server.workers.inherited_sockets import WorkerSockets
from server.workers.lifeline import Lifeline
from server.workers.supervisor import Supervisor
from server.workers.worker_process import Work
from tests.command_line import ascend_here
from tests.server.workers.gateway_of_workers import WorkersGateway, gateway_of_workers
from tests.waiting import until, until_here


def test_a_worker_that_is_killed_is_started_anew_while_the_other_answers(tmp_path: Path) -> None:
    with gateway_of_workers(tmp_path / "data") as gateway:
        assert gateway.running.output.count("ready http") == 1
        os.kill(gateway.process_of(2), signal.SIGKILL)
        # Its death is logged before its socket is taken out; the next start comes after that.
        gateway.until_logged("worker_died worker=2")
        gateway.until_logged("worker_started worker=2", times=2)
        for _ in range(8):  # The kernel would send one in two to the dead one's socket.
            assert httpx2.get(f"{gateway.running.base_url}/healthz", timeout=30).status_code == 200
        assert [worker for worker, _ in gateway.started()] == [1, 2, 2]
        assert gateway.running.process.poll() is None


async def test_sighup_replaces_one_worker_after_the_other_without_a_failed_request(tmp_path: Path) -> None:
    """Issue 17: rolls on SIGHUP. Clients keep their connections, as proxies do, and send no request twice."""
    with gateway_of_workers(tmp_path / "data") as gateway:
        first = gateway.started()
        answered: list[int] = []
        is_over = asyncio.Event()

        async def ask(client: httpx2.AsyncClient) -> None:
            while not is_over.is_set():
                answered.append((await client.post(f"{gateway.running.base_url}/token", data={"grant_type": "none"})).status_code)

        async with httpx2.AsyncClient(timeout=30) as client, asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(ask(client))
            await until(lambda: len(answered) > 20)
            gateway.send_signal(signal.SIGHUP)
            await until(lambda: len(gateway.started()) == 4 and all(not is_alive(process) for _, process in first))
            is_over.set()
        assert [worker for worker, _ in gateway.started()] == [1, 2, 1, 2]
        assert set(answered) == {401}


def test_settings_that_cannot_be_taken_keep_the_workers_of_before(tmp_path: Path) -> None:
    with gateway_of_workers(tmp_path / "data") as gateway:
        (gateway.running.data_dir / "ascend.toml").write_text('log_format = "loud"\n')
        gateway.send_signal(signal.SIGHUP)
        gateway.until_logged("workers_kept reason=")
        assert "ASCEND_LOG_FORMAT: 'loud' is not" in gateway.log.replace('\\"', "'")
        assert len(gateway.started()) == 2


def test_sigterm_lets_a_request_under_way_end(tmp_path: Path) -> None:
    """`running_gateway` sees that the exit code is 0."""
    with gateway_of_workers(tmp_path / "data") as gateway, gateway.begun_request() as connection:
        gateway.send_signal(signal.SIGTERM)
        gateway.until_logged("workers_ending")
        connection.sendall(b"grant=none")
        assert connection.recv(4000).startswith(b"HTTP/1.1 401 ")


def test_a_second_sigterm_ends_all_at_once(tmp_path: Path) -> None:
    with gateway_of_workers(tmp_path / "data") as gateway, gateway.begun_request() as connection:
        gateway.send_signal(signal.SIGTERM)
        gateway.until_logged("workers_ending")
        gateway.send_signal(signal.SIGTERM)
        assert gateway.running.process.wait(10) == 0
        with suppress(ConnectionError):
            assert connection.recv(10) == b""


def test_workers_end_when_their_supervisor_is_killed(tmp_path: Path) -> None:
    """Else the port would stay taken by processes that nobody starts anew."""
    with gateway_of_workers(tmp_path / "data") as gateway:
        gateway.running.process.kill()
        until_here(lambda: all(not is_alive(process) for _, process in gateway.started()))
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", gateway.port), 5)


def test_log_lines_say_which_worker_wrote_them(tmp_path: Path) -> None:
    with gateway_of_workers(tmp_path / "data", extra={"ASCEND_LOG_FORMAT": "text"}) as gateway:
        end_both(gateway)
    assert gateway.log.count("supervisor_gone worker=1") == gateway.log.count("supervisor_gone worker=2") == 1


def end_both(gateway: WorkersGateway) -> None:
    gateway.running.process.kill()
    gateway.until_logged("supervisor_gone", times=2)


def test_a_gateway_none_of_whose_workers_starts_says_why_once() -> None:
    """One line, whatever the number of workers."""

    def work(_number: int, lifeline: Lifeline) -> int:
        lifeline.say_failed("the store cannot be opened: no room; make some")
        return 1

    supervised(work, "the store cannot be opened: no room; make some")


def test_workers_that_die_without_a_word_are_told_by_how_they_ended() -> None:
    def work(_number: int, _lifeline: Lifeline) -> int:
        return 7

    supervised(work, r"worker 1 ended \(exit 7\) before it was ready; its log says why\nworker 2 ended \(exit 7\) .*")


def supervised(work: Work, reason: str) -> None:
    sockets = WorkerSockets.opened("127.0.0.1", 0, 2, "--port")
    try:
        with pytest.raises(SettingsError, match=f"^{reason}$"):
            Supervisor(sockets, 2, lambda: work, lambda: None).run()
    finally:
        sockets.close()


@pytest.mark.parametrize("words", [("--workers", "0"), ("--workers", "65"), ("--workers", "two"), ("--workers", "2", "--demo")])
def test_numbers_of_workers_that_cannot_be_are_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    done = ascend_here("serve", *words, data_dir=tmp_path)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert "--workers" in done.stderr


@pytest.mark.parametrize("value", ["0", "65", "1.5", "-1", "²"])
def test_the_setting_of_workers_is_a_whole_number(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_WORKERS", value)
    done = ascend_here("serve", data_dir=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith("ascend: ASCEND_WORKERS: ")
    assert "is not a whole number from 1 to 64" in done.stderr


def test_a_port_that_somebody_listens_on_is_refused(tmp_path: Path) -> None:
    """SO_REUSEPORT would let two gateways of one user share it."""
    with gateway_of_workers(tmp_path / "data") as gateway, pytest.raises(SettingsError, match=f":{gateway.port}: Address already in use"):
        WorkerSockets.opened("127.0.0.1", gateway.port, 2, "--port")


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
