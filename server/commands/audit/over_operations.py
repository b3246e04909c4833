"""What `ascend audit scopes` and `ascend audit operations` share: a check over what a tenant sees."""

import functools
from collections.abc import Callable

import click

from oauth.tenants import DEFAULT_TENANT
from server.app import open_gateway
from server.commands.frame import json_option, run_async, with_settings
from server.commands.user import known_tenant
from server.config.settings import Settings
from tools.operation import Operation


def over_operations(check: Callable[[list[Operation], bool], None]) -> Callable[[], None]:
    """Make a command of `check`: it gets what a tenant sees, by name, and whether it prints JSON."""

    @click.option("--tenant", default=DEFAULT_TENANT, show_default=True, help="Whose catalogue.")
    @json_option
    @with_settings
    @run_async
    @functools.wraps(check)
    async def wrapper(settings: Settings, tenant: str, as_json: bool) -> None:
        async with open_gateway(settings, at_work=False) as gateway:
            await known_tenant(gateway.store, tenant)
            operations_by_id = gateway.operations.catalog.visible(tenant).operations_by_id
        check([operation for _name, operation in sorted(operations_by_id.items())], as_json)

    return wrapper
