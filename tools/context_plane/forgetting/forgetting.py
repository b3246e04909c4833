"""context_forget: rows are deleted, everywhere; what follows from the rest is worked out anew (context contract §2)."""

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NoReturn, Protocol

from oauth.principal import Principal
from tools.context_plane.arguments.mentions import mention_of
from tools.context_plane.arguments.reader import Reader
from tools.context_plane.errors import nothing_there
from tools.context_plane.facts import Episode
from tools.context_plane.forgetting.forgotten_claims import forget_claims
from tools.context_plane.forgetting.forgotten_entity import forget_entity, words_of
from tools.context_plane.forgetting.named_in import NamedIn
from tools.context_plane.forgetting.naming_words import Words
from tools.context_plane.identity.families import families_of
from tools.context_plane.identity.keys import Mention
from tools.context_plane.identity.linking import meant_entity
from tools.context_plane.ids import EPISODE, id_number
from tools.context_plane.stores import ContextRows, ContextStore, Scope
from tools.operation import Json

TARGETS = ("entity", "episode", "source", "document", "audience")
#: in one transaction: others wait for so long
EPISODES_AT_ONCE, CLAIMS_AT_ONCE = 200, 2_000
MAX_TEXT_CHARS = 300
#: what a dry run looks at
MAX_DRY_CLAIMS = 50_000
#: the same whether there is any such row or none
OTHERS_TOO = (
    "an entity is forgotten by everybody: private facts of others about it go too, and its name is blacked out in their private texts; "
    "these are not counted here, and private documents of others stay theirs"
)


@dataclass(frozen=True, slots=True)
class Target:
    """What is to be forgotten: one of these."""

    entity: Mention | None = None
    episode_id: int | None = None
    source: str | None = None
    document: str | None = None
    audience: str | None = None
    #: whose rows may be forgotten; None: everybody's, as for whoever runs the gateway. An entity goes with all that is said of it.
    audiences: tuple[str, ...] | None = None
    #: documents that name the entity go with it
    takes_documents: bool = False
    #: of an episode: (source, source_id), by which its documents are known
    item: tuple[str, str] | None = None


class ForgetsElsewhere(Protocol):
    """A part of the plane that keeps rows of its own, like documents: forgets a target there."""

    async def __call__(self, tenant_id: str, target: Target, *, dry_run: bool) -> Mapping[str, int]:
        """Return rows by table. Raises ContextRefused, not_found, where the target is a thing of its own that is not there."""
        ...


class NamingDocuments(Protocol):
    """The documents of a tenant, by whom their texts name."""

    async def named_in(self, tenant_id: str, audiences: Collection[str] | None, words: Words) -> NamedIn:
        """Return which documents of these audiences (None: of all) name somebody by these words."""
        ...

    async def forget_named(self, tenant_id: str, audiences: Collection[str] | None, words: Words) -> int:
        """Delete them, all of them, and return how many."""
        ...


class NamingRuns(Protocol):
    """Runs of a tenant's workflows, which quote whom they were about in what they were given, in results and in failures."""

    async def black_out(self, tenant_id: str, audiences: Collection[str] | None, words: Words, *, dry_run: bool) -> int:
        """Take these words out of what runs have on record; one that has ended and whose key is such a word is deleted.

        One that goes on does so as it was but for the name; what it finds its own steps by stays as long as it is open. Return how many
        of these audiences (None: of all; "": the gateway's own) had one.
        """
        ...


#: Called when rows of a tenant are gone: an index, a cache, kept answers. Returns when nothing of them is left there.
Cleans = Callable[[str], Awaitable[None]]


class Forgetting:
    """Forgets, and is done when no table, index or cache that it was told of holds it."""

    def __init__(
        self,
        store: ContextStore,
        elsewhere: Sequence[ForgetsElsewhere] = (),
        cleans: Sequence[Cleans] = (),
        documents: NamingDocuments | None = None,
        runs: NamingRuns | None = None,
    ) -> None:
        self._store, self._elsewhere, self._cleans, self._documents, self._runs = store, elsewhere, cleans, documents, runs

    async def __call__(self, principal: Principal, arguments: Mapping[str, Json]) -> dict[str, Json]:
        """Forget exactly one of `entity`, `episode` (epi_…), `source`, `document` (doc_…), `audience`; `dry_run` only counts.

        An entity ("Kahuna", "ent_…", {kind, name, keys}) goes with all that is said of it or to it, and with every text that names it;
        what others said in the same episodes stays. Documents that name it are told, `named_in`: {documents, ids, unread, is_all}, and go
        with `documents`: true. What others keep in private about it goes too, uncounted (docs/decisions/0056). Answers {rows: {table:
        count}, dry_run, is_all, named_in, note}. Repeating it after a failure goes on where it stopped. Raises ContextRefused:
        invalid_arguments, not_found, conflict where several bear the name.
        """
        target, is_dry = _target_of(arguments, principal)
        tenant_id = principal.tenant_id
        if target.episode_id is not None:
            target = await self._with_item(tenant_id, target)
        rows: Counter[str] = Counter()
        is_all = True
        named_in = await self._named_in(tenant_id, target)
        if named_in is not None and target.takes_documents and not is_dry:
            # Before the entity: whoever repeats this after a failure finds it by its name.
            rows["documents"] += await self._forget_named(tenant_id, target)
        if self._runs is not None and target.entity is not None:
            words = await self._words(tenant_id, target.entity, target.audiences)
            rows["workflow_runs"] = await self._runs.black_out(tenant_id, target.audiences, words, dry_run=is_dry)
        if target.document is None:
            if is_dry:
                counted, is_all = await self._counted(tenant_id, target)
                rows.update(counted)
            else:
                rows.update(await self._forgotten(tenant_id, target))
        for forgets in self._elsewhere:
            rows.update(await forgets(tenant_id, target, dry_run=is_dry))
        if target.document is not None and not self._elsewhere:
            raise nothing_there("document")
        if not is_dry:
            for clean in self._cleans:
                await clean(tenant_id)
            is_all = await self._store.purge() and is_all
        answer: dict[str, Json] = {
            "rows": {name: count for name, count in sorted(rows.items()) if count},
            "dry_run": is_dry,
            "is_all": is_all,
        }
        if named_in is not None:
            answer["named_in"] = named_in.plain(are_gone=target.takes_documents and not is_dry)
        if target.entity is not None and target.audiences is not None:
            answer["note"] = OTHERS_TOO
        return answer

    async def _with_item(self, tenant_id: str, target: Target) -> Target:
        episode = await self._store.read(tenant_id, partial(_meant_episode, target=target))
        return replace(target, item=(episode.source, episode.source_id))

    async def _named_in(self, tenant_id: str, target: Target) -> NamedIn | None:
        if self._documents is None or target.entity is None:
            return None
        return await self._documents.named_in(tenant_id, target.audiences, await self._words(tenant_id, target.entity, target.audiences))

    async def _forget_named(self, tenant_id: str, target: Target) -> int:
        assert self._documents is not None
        assert target.entity is not None
        words = await self._words(tenant_id, target.entity, target.audiences)
        return await self._documents.forget_named(tenant_id, target.audiences, words)

    async def _words(self, tenant_id: str, entity: Mention, audiences: Collection[str] | None) -> Words:
        def read(rows: ContextRows) -> Words:
            root = meant_entity(rows, entity, audiences)
            return words_of(rows, families_of(rows, [root])[root])

        return await self._store.read(tenant_id, read)

    async def _forgotten(self, tenant_id: str, target: Target) -> Counter[str]:
        rows: Counter[str] = Counter()
        is_all = False
        while not is_all:
            gone, is_all = await self._store.change(tenant_id, lambda of_tenant: _forget_some(of_tenant, target))
            rows.update(gone)
        return rows

    async def _counted(self, tenant_id: str, target: Target) -> tuple[Counter[str], bool]:
        """Forget, count, and let the transaction fail: what is counted is what would be gone."""

        def counted(rows: ContextRows) -> NoReturn:
            is_all, claims_before = False, rows.kept().claims
            while not is_all and claims_before - rows.kept().claims < MAX_DRY_CLAIMS:
                _, is_all = _forget_some(rows, target)
            raise _OnlyCounted(Counter(rows.deleted()), is_all)

        try:
            await self._store.change(tenant_id, counted)
        except _OnlyCounted as found:
            return found.rows, found.is_all


class _OnlyCounted(Exception):
    def __init__(self, rows: Counter[str], is_all: bool) -> None:
        super().__init__()
        self.rows, self.is_all = rows, is_all


def _forget_some(rows: ContextRows, target: Target) -> tuple[Mapping[str, int], bool]:
    """Forget as much of a target as one transaction should; return rows by table, and whether nothing of it is left."""
    if target.entity is not None:
        return forget_entity(rows, meant_entity(rows, target.entity, target.audiences), CLAIMS_AT_ONCE, target.audiences)
    if target.episode_id is not None:
        episode_ids: Sequence[int] = [_meant_episode(rows, target).episode_id]
        is_all = True
    else:
        episode_ids = rows.episodes_from(target.source, target.audiences, EPISODES_AT_ONCE)
        is_all = len(episode_ids) < EPISODES_AT_ONCE
    forget_claims(rows, rows.claims_in(episode_ids))
    rows.delete_episodes(episode_ids)
    return rows.deleted(), is_all


def _meant_episode(rows: ContextRows, target: Target) -> Episode:
    assert target.episode_id is not None
    episode = rows.episodes([target.episode_id]).get(target.episode_id)
    if episode is None or (target.audiences is not None and episode.audience not in target.audiences):
        raise nothing_there("episode")
    return episode


def _target_of(arguments: Mapping[str, Json], principal: Principal) -> tuple[Target, bool]:
    reader = Reader()
    members = reader.members("", arguments, (*TARGETS, "documents", "dry_run"))
    given = [name for name in TARGETS if members.get(name) is not None]
    if len(given) != 1:
        named = ", ".join(given) or "none"
        reader.fault("arguments", named, f"name exactly one of {', '.join(TARGETS)}", {"entity": "Kahuna", "dry_run": True})
    is_dry = reader.flag("dry_run", members.get("dry_run"))
    takes_documents = reader.flag("documents", members.get("documents"))
    if takes_documents and given != ["entity"]:
        reader.fault("documents", True, "goes with entity alone: it takes the documents that name it")
    entity = mention_of(reader, "entity", members["entity"]) if "entity" in given else None
    texts = {name: reader.line(name, members[name], MAX_TEXT_CHARS, is_needed=True) for name in given if name != "entity"}
    reader.check()
    episode = texts.get("episode")
    # A number of nothing is answered like an episode that is gone.
    episode_id = None if episode is None else id_number(EPISODE, episode) or 0
    audience = texts.get("audience")
    is_local = principal.auth_method == "local"
    audiences = None if is_local else Scope(principal.tenant_id, principal.subject).audiences
    if audience is not None:
        # Somebody else's private rows look like none.
        if not is_local and audience != principal.subject:
            raise nothing_there("audience")
        audiences = (audience,)
    return Target(entity, episode_id, texts.get("source"), texts.get("document"), audience, audiences, takes_documents), is_dry
