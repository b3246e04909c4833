"""What is done to tenants, whichever door it comes through: the console, `/admin/api`, `ascend tenant`."""

import hashlib
from collections.abc import Mapping
from dataclasses import astuple, replace
from typing import Any

from oauth.errors import AlreadyTaken
from oauth.tenants import DEFAULT_TENANT, NOT_FREE, Tenant, is_free_name
from server.admin.lists.moment import moment_text
from server.admin.refusals import AdminRefused, not_found, version_conflict
from server.storage.database import now_us
from server.storage.oauth.tenants import SqlTenantStore
from server.storage.tenant_removal.removal import TenantRemoval, free_from_us

LIST_THEM = "`ascend tenant list` shows all"


async def add_tenant(store: SqlTenantStore, removal: TenantRemoval, name: str, title: str) -> Tenant:
    """Add the tenant `name`, which finds nothing of one before it. Raises AdminRefused."""
    if not is_free_name(name):
        rule = f"use 1 to 63 lower-case letters, digits and inner hyphens, and none of {', '.join(sorted(NOT_FREE))}"
        raise AdminRefused(422, "invalid_fields", f"tenant {name[:80]!r}: not a name", rule)
    before = await found_tenant(store, name)
    if before is not None and before.leaving:
        if (free_us := free_from_us(before)) > now_us():
            rule = f"the name is free from {moment_text(free_us)}, when every call of before has ended"
            raise AdminRefused(409, "leaving", f"tenant {name!r} is being removed", rule)
        await removal.finish(name)
    elif before is None:
        await removal.clear_name(name)
    try:
        return await store.add(Tenant(name, title or name))
    except AlreadyTaken as error:
        raise AdminRefused(409, "exists", f"tenant {name!r} exists already", LIST_THEM) from error


async def change_tenant(store: SqlTenantStore, name: str, changes: Mapping[str, Any], version: str = "") -> Tenant:
    """Change members of a tenant; `version`: only where it is still that one. Raises AdminRefused."""
    seen = await found_tenant(store, name)
    if seen is None:
        raise no_tenant(name)
    if seen.leaving:
        raise AdminRefused(409, "leaving", f"tenant {name!r} is being removed", "wait until it is gone; a backup has what it owned")
    changed = replace(seen, **changes)
    # Compared in the transaction that writes: of two who have seen the same, one is told.
    if (version and version != version_of(seen)) or not await store.save(changed, seen):
        now = await found_tenant(store, name)
        raise version_conflict(version_of(now or seen))
    return changed


async def removable(store: SqlTenantStore, name: str) -> Tenant:
    """Return the tenant that may be removed. Raises AdminRefused."""
    if name == DEFAULT_TENANT:
        raise AdminRefused(409, "default_tenant", f"{name} is the gateway's own tenant, and stays", "remove what it has one by one")
    found = await found_tenant(store, name)
    if found is None:
        raise no_tenant(name)
    return found


async def begin_removal(store: SqlTenantStore, removal: TenantRemoval, name: str) -> Tenant:
    """Mark the tenant as leaving, and shut everybody out; return it as it is then. Raises AdminRefused."""
    seen = await removable(store, name)
    if not seen.leaving and not await removal.begin(seen):
        raise version_conflict(version_of(await found_tenant(store, name) or seen))
    return await found_tenant(store, name) or seen


def said_of(name: str, counts: Mapping[str, int]) -> str:
    """Return what a tenant owns, in words."""
    owned = ", ".join(f"{rows:,} {table}" for table, rows in sorted(counts.items()))
    return f"{name} owns {sum(counts.values()):,} rows" + (f": {owned}" if owned else "")


async def found_tenant(store: SqlTenantStore, name: str) -> Tenant | None:
    return next((each for each in await store.all() if each.tenant_id == name), None)


def no_tenant(name: str) -> AdminRefused:
    return not_found(f"no tenant {name[:80]!r}", LIST_THEM)


def version_of(tenant: Tenant) -> str:
    """Return what changes with whatever is changed of a tenant."""
    members = [sorted(each) if isinstance(each, frozenset) else each for each in astuple(tenant)]
    return hashlib.sha256(repr(members).encode()).hexdigest()[:16]
