"""What the commands of alerts share: the board and the section of the configuration, beside a gateway that may be running."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from server.alerts.board import AlertBoard
from server.commands.frame import required_data
from server.commands.refused import refusals_told
from server.config.settings import Settings
from server.config_versions.live import LiveConfig
from server.config_versions.sections.alerts import Alerts
from server.storage.store import Store, open_store


@dataclass(frozen=True, slots=True)
class OpenedAlerts:
    store: Store
    section: Alerts
    board: AlertBoard


@asynccontextmanager
async def open_alerts(settings: Settings) -> AsyncIterator[OpenedAlerts]:
    """Give the alerts of a gateway that was started once; what is refused becomes the command's failure."""
    required_data(settings)
    async with open_store(settings) as store:
        live = LiveConfig(store.config_versions)
        await live.load()
        section = live.current.alerts
        with refusals_told():
            yield OpenedAlerts(store, section, AlertBoard(store.alerts, lambda: section))
