"""Every way in which the configuration changes: a file, a version of old, one value. Each makes a version that is checked whole."""

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Final

import anyio.to_thread

from tools.ai_gateway.configuration.read_document import read_document
from tools.ai_gateway.configuration.versions import LOCAL_ACT, AiConfigStore, ConfigAct
from tools.operation import Json
from tools.versioned_documents.faults import meant, shortened
from tools.versioned_documents.versions import ConfigVersion, VersionConflict

#: how often an edit of one value begins anew because somebody else's came first
MAX_ATTEMPTS: Final = 8


class NoSuchThing(Exception):
    """A version, experiment, arm or gateway that is not there; the message names it and what there is."""


class ThingExists(Exception):
    """Something of this name is there already."""


class ConfigChanges:
    """Changes what is in force. `by`: who did it, as the version says later. Raises ConfigInvalid where the outcome would not hold.

    tenants: those that there are, where that is known (see `read_document`).
    """

    def __init__(self, store: AiConfigStore, tenants: Collection[str] | None = None) -> None:
        self._store, self._tenants = store, tenants

    async def apply(self, document: Json, by: str, expected: int | None = None, act: ConfigAct = LOCAL_ACT) -> ConfigVersion:
        """Put `document` in force; where it says what is in force anyway, that version stays.

        expected: the version that the writer has seen (None: whichever it is). Raises VersionConflict.
        """
        # A large one takes some hundred milliseconds, which requests beside it need not wait for.
        checked = await anyio.to_thread.run_sync(read_document, document, self._tenants)
        newest = await self._store.newest()
        if expected is not None and newest.version != expected:
            raise VersionConflict(newest.version)
        return newest if newest.document == checked else await self._store.put(checked, by, expected, act)

    async def roll_back(self, number: int, by: str) -> ConfigVersion:
        """Put version `number` in force again, as the next version. Raises NoSuchThing."""
        wanted = await self._store.version(number)
        if wanted is None:
            newest = (await self._store.newest()).version
            raise NoSuchThing(f"no version {number}; the newest is {newest}, and the last hundred are kept")
        # Checked anew: a release may know rules that the one which took it did not.
        return await self.apply(wanted.document, by, act=ConfigAct(about=f"as version {number}"))

    async def set_shares(self, name: str, share: Mapping[str, float], by: str) -> ConfigVersion:
        """Give arms of the experiment `name` new shares; "" stands for the only arm. Raises NoSuchThing."""

        def edit(document: dict[str, Json]) -> ConfigAct:
            experiment = _experiment_in(document, name)
            arms = list(experiment["arms"])
            for arm, part in share.items():
                if not arm and len(arms) > 1:
                    raise NoSuchThing(f"experiment {name} has the arms {', '.join(arms)}; say which, as in {arms[0]}={part}")
                if arm and arm not in arms:
                    raise NoSuchThing(f"experiment {name} has no arm {shortened(arm)!r}{meant(arm, arms)}")
                # By hand from now on.
                experiment.pop("rollout", None)
                experiment.setdefault("share", {})[arm or arms[0]] = part
            return ConfigAct(about=f"experiment {name}")

        return await self.edit(edit, by)

    async def edit(self, edit: Callable[[dict[str, Json]], ConfigAct], by: str) -> ConfigVersion:
        """Change the document in place by `edit`, which may run again where another change came first; it returns what the audit says."""
        attempts = MAX_ATTEMPTS
        while True:
            newest = await self._store.newest()
            document = copy.deepcopy(dict(newest.document))
            act = edit(document)
            attempts -= 1
            try:
                return await self.apply(document, by, newest.version, act)
            except VersionConflict:
                if not attempts:
                    raise


def _experiment_in(document: Mapping[str, Json], name: str) -> dict[str, Json]:
    experiments = {each["name"]: each for each in document.get("experiments", ())}
    if name not in experiments:
        known = f"; there are {', '.join(experiments)}" if experiments else "; the configuration has none"
        raise NoSuchThing(f"no experiment {shortened(name)!r}{meant(name, experiments) or known}")
    found: dict[str, Json] = experiments[name]
    return found
