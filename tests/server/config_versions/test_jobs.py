"""`[jobs]` says when built-in schedules of every tenant come, and which do not."""

from pathlib import Path

import pytest

from oauth.tenants import Tenant
from server.app import Gateway
from server.config_versions.config import Config
from server.config_versions.read_document import config_of, read_toml
from tests.gateway import opened
from tests.waiting import until
from tools.versioned_documents.faults import ConfigInvalid
from tools.workflows.errors import WorkflowRefused
from tools.workflows.schedules.builtin import BUILTIN
from tools.workflows.schedules.schedule import Schedule

NIGHTS = b'[jobs.token-health]\ncron = "30 2 * * MON-FRI"\nzone = "Europe/Berlin"\n[jobs.zero-use]\npaused = true\n'


def test_every_built_in_schedule_has_its_table() -> None:
    assert {name for job in BUILTIN for name in config_of(read_toml(f"[jobs.{job}]\npaused = true\n".encode())).jobs.said} == BUILTIN
    assert Config().jobs.said == {}


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ('[jobs.backup]\ncron = "61 * * * *"\n', "jobs.backup.cron", "'61' is not 0 to 59"),
        ('[jobs.backup]\nzone = "Europe/Berlim"\n', "jobs.backup.zone", "'Europe/Berlin'"),
        ("[jobs.backups]\npaused = true\n", "jobs.backups", "did you mean 'backup'?"),
    ],
)
def test_a_time_that_never_comes_is_refused_by_its_place(text: str, place: str, says: str) -> None:
    with pytest.raises(ConfigInvalid) as refused:
        read_toml(text.encode())
    [fault] = refused.value.faults
    assert fault.place == place
    assert says in fault.message


async def job(gateway: Gateway, name: str, tenant_id: str = "default") -> Schedule:
    store, _ = await gateway.late.schedules()
    found = await store.get(tenant_id, name)
    assert found is not None
    return found


async def apply(gateway: Gateway, document: bytes) -> None:
    await gateway.store.config_versions.put(read_toml(document), "an operator")


async def test_a_running_gateway_takes_new_times_over_and_gives_the_old_ones_back(tmp_path: Path) -> None:
    """Of every tenant, also one that comes later; what was paused for one tenant stays paused there."""
    async with opened(tmp_path) as gateway:
        _, schedules = await gateway.late.schedules()
        brought = await job(gateway, "token-health")
        await schedules.pause("default", "error-pattern")
        await apply(gateway, NIGHTS)
        await until(lambda: is_at(gateway, "token-health", "30 2 * * MON-FRI", "Europe/Berlin"))
        assert (await job(gateway, "zero-use")).next_at_us is None
        await gateway.store.tenants.add(Tenant("acme", "Acme"))
        await until(lambda: is_there(gateway, "acme", "zero-use"))
        assert (await job(gateway, "zero-use", "acme")).is_off
        with pytest.raises(WorkflowRefused, match="paused for every tenant by the configuration"):
            await schedules.resume("acme", "zero-use")

        await apply(gateway, b"")
        await until(lambda: is_at(gateway, "token-health", brought.cron.expression, "UTC"))
        assert (await job(gateway, "zero-use")).next_at_us is not None
        assert (await job(gateway, "error-pattern")).is_paused


async def is_at(gateway: Gateway, name: str, expression: str, zone: str) -> bool:
    cron = (await job(gateway, name)).cron
    return (cron.expression, cron.zone) == (expression, zone)


async def is_there(gateway: Gateway, tenant_id: str, name: str) -> bool:
    store, _ = await gateway.late.schedules()
    return await store.get(tenant_id, name) is not None


async def test_what_somebody_set_under_the_name_of_one_stays_theirs_until_it_is_removed(tmp_path: Path) -> None:
    async with opened(tmp_path) as gateway:
        store, schedules = await gateway.late.schedules()
        own = await job(gateway, "token-health")
        await store.put(Schedule("default", "token-health", "token-health", own.cron, next_at_us=own.next_at_us))
        await apply(gateway, NIGHTS)
        await until(lambda: gateway.config.version == 1)
        await gateway.late.config_changed()
        assert (await job(gateway, "token-health")).cron == own.cron
        await schedules.remove("default", "token-health")
        assert (await job(gateway, "token-health")).cron.zone == "Europe/Berlin"
