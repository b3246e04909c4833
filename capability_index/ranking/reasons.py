"""Why a hit was found, in a few words for the agent and the person who tunes a page."""

from capability_index.ranking.candidates import Reader
from capability_index.ranking.intent import Intent
from capability_index.ranking.scoring import ScoredCandidates

_FOUND, _NEAR_COSINE, _SAME_NAME = 0.05, 0.3, 0.75
_FITS, _IS_THE_THING = 0.4, 0.7
_MAX_WORDS = 6


def reasons(view: Reader, intent: Intent, judged: ScoredCandidates, at: int, learned: bool) -> tuple[str, ...]:
    """Say what candidate `at` shares with the intent, the strongest first."""
    found: list[str] = []
    shard, _ = view.place(int(judged.rows[at]))
    term_ids = view.shards[shard].part.postings.term_ids
    weights = judged.by_term[:, at]
    strongest = sorted(range(len(weights)), key=lambda term: (-float(weights[term]), term))[:_MAX_WORDS]
    words = list(intent.words_by_term.items())
    named = [words[term] for term in strongest if weights[term] > _FOUND]
    if named:
        found.append("words: " + ", ".join(word if term in term_ids else f"{word} (a word near it)" for term, word in named))
    cosine, clause = float(judged.cosines[at]), float(judged.clauses[at])
    if clause > cosine and judged.clause_at[at] >= 0:
        found.append(f"meaning {clause:.2f} of the part {_quoted(intent.clauses[int(judged.clause_at[at])])}")
    elif cosine >= _NEAR_COSINE:
        found.append(f"meaning {cosine:.2f}")
    if judged.names[at] >= _SAME_NAME:
        found.append(f"name {judged.names[at]:.2f}")
    structure = judged.structure
    if structure.verb[at] >= _FITS:
        found.append("does what was asked")
    elif structure.verb[at] <= -_FITS:
        found.append("does something else than was asked")
    if structure.head[at] >= _IS_THE_THING and structure.known[at]:
        found.append("the thing itself")
    if view.is_named(int(judged.rows[at]), intent):
        found.append("of the provider that was named")
    if learned:
        found.append("used before for a like intent")
    return tuple(found)


def _quoted(text: str) -> str:
    return f"'{text}'" if len(text) <= 60 else f"'{text[:57]}…'"
