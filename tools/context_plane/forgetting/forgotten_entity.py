"""An entity that is forgotten: all that is said of it and to it, its names and keys, and every text that names it."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tools.context_plane.facts import Claim, Episode
from tools.context_plane.forgetting.forgotten_claims import forget_claims
from tools.context_plane.identity.families import families_of
from tools.context_plane.identity.keys import ALIAS, EMAIL
from tools.context_plane.identity.names import normal_name, normal_words
from tools.context_plane.stores import ContextRows

#: shorter names stand in half of all texts: these are found by the claims about them alone
LEAST_CHARS = 3
#: keys that texts quote
_QUOTED = frozenset({ALIAS, EMAIL, "phone"})


class Words:
    """By which words a text names somebody: names as whole words, however written; addresses and numbers to the letter."""

    def __init__(self, names: Collection[str], keys: Collection[str]) -> None:
        self._names = {normal for name in names if len(normal := normal_name(name)) >= LEAST_CHARS}
        self._keys = {key.casefold() for key in keys if len(key) >= LEAST_CHARS}
        #: what a store looks for first
        self.phrases = sorted(self._names | self._keys | {name for name in names if normal_name(name) in self._names})

    def name_it(self, text: str) -> bool:
        if not text or not self.phrases:
            return False
        words, folded = f" {' '.join(normal_words(text))} ", text.casefold()
        return any(f" {name} " in words for name in self._names) or any(key in folded for key in self._keys)


def forget_entity(
    rows: ContextRows, entity_id: int, claims_at_once: int, audiences: Collection[str] | None
) -> tuple[Mapping[str, int], bool]:
    """Forget an entity and all that is merged into it, or as many of the claims about it as one transaction should take.

    Return rows by table, and whether nothing is left. Texts that name it go, of these audiences (None: of all): how many others' private
    texts hold a word is nobody's to count. What others say in the same episodes stays.
    """
    family = families_of(rows, [entity_id])[entity_id]
    words = words_of(rows, family)
    claims = rows.claims_about(family, claims_at_once)
    is_all = len(claims) < claims_at_once
    if is_all:
        known = {claim.claim_id for claim in claims}
        told = (claim for claim in rows.claims_saying(words.phrases) if claim.claim_id not in known) if words.phrases else ()
        claims = [*claims, *(claim for claim in told if _of(claim, audiences) and words.name_it(claim.value or ""))]
    touched = rows.episodes({claim.episode_id for claim in claims})
    if is_all and words.phrases:
        saying = [each for each in rows.episodes_saying(words.phrases) if _of(each, audiences) and _names(each, words)]
        touched = {**touched, **{each.episode_id: each for each in saying}}
    # Until nothing is left of it, it is there to be found again.
    forget_claims(rows, claims, but=family)
    _forget_texts(rows, list(touched.values()), words)
    if is_all:
        rows.delete_entities(family)
    return rows.deleted(), is_all


def _of(row: Claim | Episode, audiences: Collection[str] | None) -> bool:
    return audiences is None or row.audience in audiences


def words_of(rows: ContextRows, entity_ids: Collection[int]) -> Words:
    entities = rows.entities(entity_ids).values()
    keys = [key for keys in rows.keys_of(entity_ids).values() for key in keys if key.key_kind in _QUOTED]
    names = [entity.name for entity in entities] + [key.key for key in keys if key.key_kind == ALIAS]
    return Words(names, [key.key for key in keys if key.key_kind != ALIAS])


def _names(episode: Episode, words: Words) -> bool:
    return any(words.name_it(text) for text in (episode.content, episode.author, episode.url, episode.source_id))


def _forget_texts(rows: ContextRows, episodes: Sequence[Episode], words: Words) -> None:
    """Delete episodes that say nothing of anybody else; empty the others."""
    speaking = {claim.episode_id for claim in rows.claims_in([episode.episode_id for episode in episodes])}
    rows.delete_episodes([episode.episode_id for episode in episodes if episode.episode_id not in speaking])
    emptied = {episode: _emptied(episode, words) for episode in episodes if episode.episode_id in speaking}
    rows.empty_episodes([after for before, after in emptied.items() if after != before])


def _emptied(episode: Episode, words: Words) -> Episode:
    # The source's own id stays, by which the episode is known when the source is read again; unless it is a name.
    source_id = episode.source_id
    if words.name_it(source_id):
        source_id = hashlib.sha256(source_id.encode()).hexdigest()
    return replace(episode, source_id=source_id, author="", url="", content="")
