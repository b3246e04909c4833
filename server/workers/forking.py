"""Workers are forked from a process that has done all of it once: what is the same in all is in memory once (decision 0076)."""

import importlib
from collections.abc import Callable

import anyio

from server.app import open_gateway
from server.config.settings import Settings
from server.http.process_limits import settle
from server.workers.inherited_sockets import WorkerSockets
from server.workers.lifeline import Lifeline
from server.workers.shared_metrics import Places
from server.workers.supervisor import Supervisor
from server.workers.worker import work
from server.workers.worker_process import Work

#: what every worker would load by itself with its first model call
AHEAD = ("tools.ai_gateway.dialects.pairs",)


def run_workers(
    sockets: WorkerSockets, count: int, settings: Settings, renewed: Callable[[], Settings], on_ready: Callable[[], None]
) -> None:
    """Serve in `count` workers until told to end. Raises SettingsError.

    `renewed`: the settings of those that follow SIGHUP, which may raise SettingsError.
    """
    for name in AHEAD:
        importlib.import_module(name)
    anyio.run(_rehearse, settings)
    settle()
    known = [settings]

    def renew() -> Work:
        current = known.pop() if known else renewed()

        def be_worker(number: int, lifeline: Lifeline) -> int:
            return work(current, number, count, sockets[number], lifeline)

        return be_worker

    places = Places(settings.data_dir)
    places.begin()
    try:
        Supervisor(sockets, count, renew, on_ready).run()
    finally:
        places.clear()


async def _rehearse(settings: Settings) -> None:
    """Open the gateway and close it: the store is migrated and the index encoded once, what cannot be opened is said once.

    Nothing of it is open afterwards: connections and threads would not survive the fork.
    """
    async with open_gateway(settings, at_work=False):
        pass
