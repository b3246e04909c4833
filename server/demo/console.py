"""The newcomer's way into the console: an invite for the demo user, as long as nobody has come in."""

from urllib.parse import urlsplit

from oauth.administration.roles import Role
from oauth.tenants import DEFAULT_TENANT
from server.admin.nouns.person_changes import PersonChanges
from server.config.settings import Settings
from server.networks import parse_address
from server.storage.store import Store

DEMO_EMAIL = "demo@example.com"
_BY = "ascend serve --demo"


async def way_into_console(store: Store, settings: Settings) -> str | None:
    """Return what a newcomer is told; None: passkeys are not possible here, or the console is somebody else's already.

    The demo user becomes the owner where nobody is one, and nowhere else: their password is in a terminal's history.
    """
    found = await store.subjects.find_local(DEFAULT_TENANT, DEMO_EMAIL)
    if found is None or found[0].disabled or parse_address(urlsplit(settings.admin_url).hostname) is not None:
        return None
    subject, changes = found[0], PersonChanges(store, settings.admin_url)
    if not await store.admin_roles.of_tenant(DEFAULT_TENANT):
        await changes.give(subject, Role.OWNER, _BY)
    if await store.admin_roles.of(DEFAULT_TENANT, subject.subject_id) is None:
        return None
    if any(each.counts for each in await store.passkeys.of_subject(DEFAULT_TENANT, subject.subject_id)):
        return f"{settings.admin_url}/admin"
    return f"{await changes.invite(subject, _BY)}   (adds your passkey, once, within an hour)"
