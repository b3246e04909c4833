"""An entity that is forgotten: all that is said of it and to it, its names and keys, and every text that names it."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from tools.context_plane.beliefs.recompute import recompute
from tools.context_plane.facts import Claim, Episode
from tools.context_plane.forgetting.forgotten_claims import forget_claims, parts_of
from tools.context_plane.forgetting.naming_words import Words
from tools.context_plane.identity.families import families_of
from tools.context_plane.identity.keys import ALIAS, EMAIL
from tools.context_plane.ids import new_id
from tools.context_plane.stores import ContextRows

#: keys that texts quote
_QUOTED = frozenset({ALIAS, EMAIL, "phone"})


def forget_entity(
    rows: ContextRows, entity_id: int, claims_at_once: int, audiences: Collection[str] | None
) -> tuple[Mapping[str, int], bool]:
    """Forget an entity and all that is merged into it, or as many of the claims about it as one transaction should take.

    Return rows by table, and whether nothing is left. What is said of it goes, whoever keeps it, and so does its name; what others say in
    the same episodes stays. Of these audiences (None: of all) a text that names it goes. In the private texts of others the name alone
    is blacked out, and none of these rows is counted: what others keep is nobody's to hear of (docs/decisions/0056).
    """
    family = families_of(rows, [entity_id])[entity_id]
    words = words_of(rows, family)
    about = rows.claims_about(family, claims_at_once)
    is_all = len(about) < claims_at_once
    known = {claim.claim_id for claim in about}
    told = [each for each in rows.claims_saying(words.phrases) if each.claim_id not in known] if is_all and words.phrases else []
    told = [claim for claim in told if words.name_it(claim.value or "")]
    saying = [each for each in rows.episodes_saying(words.phrases) if _names(each, words)] if is_all and words.phrases else []
    with rows.uncounted():
        theirs = [claim for claim in about if not _of(claim, audiences)]
        _black_out(rows, [claim for claim in told if not _of(claim, audiences)], words)
        forget_claims(rows, theirs, but=family)
        _forget_texts(rows, _episodes(rows, theirs, [each for each in saying if not _of(each, audiences)]), words, keeps_rest=True)
    # Until nothing is left of it, it is there to be found again.
    ours = [claim for claim in (*about, *told) if _of(claim, audiences)]
    forget_claims(rows, ours, but=family)
    _forget_texts(rows, _episodes(rows, ours, [each for each in saying if _of(each, audiences)]), words)
    if is_all:
        rows.delete_entities(family)
    return rows.deleted(), is_all


def _episodes(rows: ContextRows, claims: Sequence[Claim], saying: Sequence[Episode]) -> list[Episode]:
    return [*{**rows.episodes({claim.episode_id for claim in claims}), **{each.episode_id: each for each in saying}}.values()]


def _black_out(rows: ContextRows, claims: Sequence[Claim], words: Words) -> None:
    """Have claims say what they say without the name; one of which nothing would be left goes."""
    said = [replace(claim, claim_id=new_id(), value=black) for claim in claims if (black := words.blacked_out(claim.value or ""))]
    rows.add_claims(said)
    forget_claims(rows, claims)
    recompute(rows, parts_of(rows, said))


def _of(row: Claim | Episode, audiences: Collection[str] | None) -> bool:
    return audiences is None or row.audience in audiences


def words_of(rows: ContextRows, entity_ids: Collection[int]) -> Words:
    entities = rows.entities(entity_ids).values()
    keys = [key for keys in rows.keys_of(entity_ids).values() for key in keys if key.key_kind in _QUOTED]
    names = [entity.name for entity in entities] + [key.key for key in keys if key.key_kind == ALIAS]
    return Words(names, [key.key for key in keys if key.key_kind != ALIAS])


def _names(episode: Episode, words: Words) -> bool:
    return any(words.name_it(text) for text in (episode.content, episode.author, episode.url, episode.source, episode.source_id))


def _forget_texts(rows: ContextRows, episodes: Sequence[Episode], words: Words, *, keeps_rest: bool = False) -> None:
    """Delete episodes that say nothing of anybody else, and empty the others; `keeps_rest`: have the name blacked out instead."""
    speaking = {claim.episode_id for claim in rows.claims_in([episode.episode_id for episode in episodes])}
    stays = [each for each in episodes if each.episode_id in speaking or (keeps_rest and each.content)]
    rows.delete_episodes([episode.episode_id for episode in episodes if episode not in stays])
    emptied = {episode: _without_name(episode, words) if keeps_rest else _emptied(episode, words) for episode in stays}
    rows.empty_episodes([after for before, after in emptied.items() if after != before])


def _emptied(episode: Episode, words: Words) -> Episode:
    return replace(_unnamed(episode, words), author="", url="", content="")


def _without_name(episode: Episode, words: Words) -> Episode:
    author, url, content = (words.blacked_out(text) for text in (episode.author, episode.url, episode.content))
    return replace(_unnamed(episode, words), author=author, url=url, content=content)


def _unnamed(episode: Episode, words: Words) -> Episode:
    # The source and its own id stay, by which the episode is known when the source is read again; unless they are a name.
    source, source_id = (
        hashlib.sha256(text.encode()).hexdigest() if words.name_it(text) else text for text in (episode.source, episode.source_id)
    )
    return replace(episode, source=source, source_id=source_id)
