"""Text that came out of the context plane is no source of new facts: a memory that quotes itself grows surer of what nobody said."""

import re

from tools.context_plane.arguments.assertions import SaidEpisode, SaidFact

#: operations whose answers are memory
_OWN = "context_query context_explain context_assert context.query context.explain rag_search rag_query"
OWN_ANSWERS = frozenset(_OWN.split())
#: numbers that only this gateway gives out
_OWN_ID = re.compile(r"\b(?:fct|clm|qry|epi|chk|evl)_[0-9a-hjkmnp-tv-z]{9,13}\b")


def echo_in_episode(episode: SaidEpisode) -> str | None:
    """Say why nothing of this episode can be taken as said; None where it can."""
    for name in (episode.source, episode.source_id, episode.kind, episode.author, episode.url):
        if name.casefold() in OWN_ANSWERS:
            return f"the answers of {name.casefold()} are what is remembered, not a source; name where it was said first"
    for text in (episode.source, episode.source_id, episode.url, episode.content):
        if found := _OWN_ID.search(text):
            return f"its episode quotes {found.group()}, so it came out of memory; name where it was said first"
    return None


def echo_in_fact(fact: SaidFact) -> str | None:
    """Say why this fact came out of memory; None where it did not."""
    names = [mention.name for mention in (fact.subject, fact.object) if mention is not None]
    for text in (fact.value or "", *names):
        if found := _OWN_ID.search(text):
            return f"it quotes {found.group()}, so it came out of memory; name where it was said first"
    return None
