"""Secrets of sinks: lent by the vault, sealed, and kept so, since what tells of a store that is down cannot ask the store."""

from oauth.errors import SealBroken
from oauth.tenants import DEFAULT_TENANT
from oauth.vault.named_secrets import NamedSecrets
from oauth.vault.secrets import SealedSecret
from server.alerts.errors import NotTaken
from server.storage.database import StoreUnavailable

ACTOR, PURPOSE = "alerts", "messages to sinks"


class RevealedSecrets:
    """They are the operator's: of the default tenant."""

    def __init__(self, secrets: NamedSecrets) -> None:
        self._secrets = secrets
        self._lent: dict[str, SealedSecret] = {}

    async def reveal(self, name: str) -> str:
        """Return a secret as it is now, or as it was where the store does not answer. Raises NotTaken."""
        try:
            lent = await self._secrets.lend(DEFAULT_TENANT, name, ACTOR, PURPOSE)
        except StoreUnavailable:
            if (lent := self._lent.get(name)) is None:
                raise
        if lent is None:
            raise NotTaken(f"there is no secret vault:{name}; `ascend vault put {name}` takes it in")
        self._lent[name] = lent
        try:
            return (await self._secrets.open(lent, ACTOR, PURPOSE)).decode()
        except (SealBroken, UnicodeDecodeError) as error:
            raise NotTaken(f"the secret vault:{name} cannot be opened; `ascend vault put {name}` takes it in anew") from error

    async def have_ready(self, names: frozenset[str]) -> None:
        """Have secrets lent before they are needed; those that are missing are missed when they are."""
        for name in names - self._lent.keys():
            if (lent := await self._secrets.lend(DEFAULT_TENANT, name, ACTOR, PURPOSE)) is not None:
                self._lent[name] = lent
