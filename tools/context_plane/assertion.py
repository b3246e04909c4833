"""context_assert: what a caller says is kept as claims of an episode, and what is believed follows from all claims there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import anyio.to_thread

from oauth.principal import Principal
from tools.context_plane.arguments.assertions import Assertion, SaidFact, assertion_of
from tools.context_plane.arguments.echoes import echo_in_episode, echo_in_fact
from tools.context_plane.beliefs.recompute import claims_of, recompute
from tools.context_plane.errors import ContextRefused
from tools.context_plane.facts import EVERYBODY, Cardinality, Claim, Episode, Group, Method, Part, said_number
from tools.context_plane.identity.families import roots_of
from tools.context_plane.identity.keys import Mention
from tools.context_plane.identity.linking import Ambiguous, linked
from tools.context_plane.ids import ENTITY, EPISODE, id_text, new_id, person_number
from tools.context_plane.outcomes import Outcome, Outcomes
from tools.context_plane.predicates import declare
from tools.context_plane.stores import ContextRows, ContextStore
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class Asserted:
    episode: Episode | None
    outcomes: tuple[Outcome, ...]


async def context_assert(store: ContextStore, principal: Principal, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Keep `facts` [≤ 500] {subject, predicate, value, valid_from, valid_to, confidence} as said by `episode` {source, source_id, kind,
    occurred_at, author, url, content}; all in one transaction. Said again, the same changes nothing.

    subject, and value where it is an entity: "Kahuna" (whoever alone bears the name, or a new thing), "ent_…", or {kind, name, keys:
    {email: …, salesforce: …}}, which is found by a key, else by kind and name; people by their keys, or by name within one source.
    `private`: true keeps it for the caller alone. `predicates`: {stage: "one"} declares that a subject has one stage at a time; what was
    believed of it before is worked out anew. Answers {episode, facts: [{outcome, id, added, supported, superseded, conflict,
    outranked_by, refused}], cleaned}. Raises ContextRefused with all faults of the arguments; then nothing is kept.
    """
    # Five hundred facts take as long to read as many calls take in all: not on the loop.
    assertion, cleaned = await anyio.to_thread.run_sync(assertion_of, arguments)
    audience = principal.subject if assertion.is_private else EVERYBODY
    by = 0 if principal.auth_method == "local" else person_number(principal.subject)
    asserted = await store.change(principal.tenant_id, lambda rows: assert_facts(rows, assertion, audience, "asserted", by))
    return {
        "episode": None if asserted.episode is None else id_text(EPISODE, asserted.episode.episode_id),
        "facts": [outcome.plain() for outcome in asserted.outcomes],
        "cleaned": list(cleaned),
    }


def assert_facts(rows: ContextRows, assertion: Assertion, audience: str, method: Method, by: int = 0) -> Asserted:
    """Keep what is asserted, in the transaction of `rows`: for whatever takes facts in, from people or from records.

    `by`: the `person_number` of who asserts, whose share it takes; 0: the tenant's alone.

    A claim that its episode has made already is not made again, not even where it was withdrawn: to read a source once more changes
    nothing. Raises ContextRefused where a quota is used up.
    """
    if audience:
        _check_declared(rows, assertion.cardinalities)
    for predicate, cardinality in assertion.cardinalities.items():
        declare(rows, predicate, cardinality)
    refused = _echoes(assertion)
    meant = {n: fact for n, fact in enumerate(assertion.facts) if n not in refused}
    entity_by_mention = linked(rows, [_mentions(fact) for fact in meant.values()], assertion.episode.source, audience)
    for n, fact in list(meant.items()):
        if (why := _doubt(fact, entity_by_mention)) is not None:
            refused[n] = why
            del meant[n]
    if not meant:
        return Asserted(None, tuple(Outcome(refused=refused[n]) for n in range(len(assertion.facts))))
    episode, is_known = _episode(rows, assertion, audience, by)
    said = {n: _claim(fact, episode, method, entity_by_mention, rows.now_us, by) for n, fact in meant.items()}
    asserted = _under_roots(rows, said)
    parts = {Part(claim.group, said_number(*claim.said)) for claim in asserted.values()}
    claims = _once(asserted, claims_of(rows, parts) if is_known else {}, episode)
    new = {claim.claim_id for claim in claims.values()}
    # Under whom they were said, not who stands for it now: links can be undone.
    rows.add_claims([claim for claim in said.values() if claim.claim_id in new])
    difference = recompute(rows, parts)
    rows.quotas.check(rows.kept())
    if by:
        rows.quotas.check_person(rows.kept_by(by))
    rows.quotas.check_together(difference.most_claims)
    after = Outcomes(difference)
    made = {claim.claim_id for claim in said.values()}
    outcomes = [
        Outcome(refused=refused[n]) if n in refused else after.of(claims[n], is_new=claims[n].claim_id in made)
        for n in range(len(assertion.facts))
    ]
    return Asserted(episode, tuple(outcomes))


def _check_declared(rows: ContextRows, cardinalities: Mapping[str, Cardinality]) -> None:
    """Raise ContextRefused where what is kept for one alone would change what everybody believes; what is so already changes nothing."""
    declared = rows.cardinalities([*cardinalities])
    rule = "holds for everybody, and private facts say nothing to them"
    faults = [
        {"path": f"predicates.{name}", "value": wanted, "rule": rule, "example": declared.get(name, "many")}
        for name, wanted in cardinalities.items()
        if declared.get(name, "many") != wanted
    ]
    if faults:
        raise ContextRefused(
            "invalid_arguments",
            f"{faults[0]['path']} {rule}",
            hint="nothing was kept; leave `predicates` out, or declare it with facts that are for everybody",
            faults=faults,
        )


def _echoes(assertion: Assertion) -> dict[int, str]:
    """Return which facts are not taken in because they came out of memory, and why."""
    of_all = echo_in_episode(assertion.episode)
    why = {n: of_all or echo_in_fact(fact) for n, fact in enumerate(assertion.facts)}
    return {n: each for n, each in why.items() if each is not None}


def _mentions(fact: SaidFact) -> tuple[Mention, ...]:
    return (fact.subject,) if fact.object is None else (fact.subject, fact.object)


def _doubt(fact: SaidFact, entity_by_mention: Mapping[Mention, int | Ambiguous]) -> str | None:
    """Say why it is not clear whom a fact is about; None where it is."""
    for mention in _mentions(fact):
        # Where one of a fact is in doubt, the other was not looked up.
        doubt = entity_by_mention.get(mention)
        if isinstance(doubt, Ambiguous):
            if not doubt.candidates:
                return "there is no such entity for whoever may see this fact; name it, or give an id that context_query gave"
            ids = ", ".join(id_text(ENTITY, each) for each in doubt.candidates[:5])
            return f"{mention.name!r} may be any of {ids}; give one of these ids, or a kind and a key"
    return None


def _episode(rows: ContextRows, assertion: Assertion, audience: str, by: int) -> tuple[Episode, bool]:
    """Return the episode that says so, and whether it was there."""
    said, content_hash = assertion.episode, assertion.content_hash
    known = rows.known_episode(audience, said.source, said.source_id, content_hash)
    if known is not None:
        return known, True
    episode = Episode(
        episode_id=new_id(),
        audience=audience,
        source=said.source,
        source_id=said.source_id,
        content_hash=content_hash,
        kind=said.kind,
        occurred_at_us=rows.now_us if said.occurred_at_us is None else said.occurred_at_us,
        recorded_at_us=rows.now_us,
        author=said.author,
        url=said.url,
        content=said.content,
        added_by=by,
    )
    rows.add_episodes([episode])
    return episode, False


def _claim(
    fact: SaidFact, episode: Episode, method: Method, entity_by_mention: Mapping[Mention, int | Ambiguous], now_us: int, by: int
) -> Claim:
    def entity_of(mention: Mention) -> int:
        found = entity_by_mention[mention]
        assert isinstance(found, int)
        return found

    return Claim(
        claim_id=new_id(),
        episode_id=episode.episode_id,
        audience=episode.audience,
        subject_id=entity_of(fact.subject),
        predicate=fact.predicate,
        object_id=None if fact.object is None else entity_of(fact.object),
        value=fact.value,
        valid_from_us=fact.valid_from_us,
        valid_to_us=fact.valid_to_us,
        confidence=fact.confidence,
        method=method,
        occurred_at_us=episode.occurred_at_us,
        recorded_at_us=now_us,
        start=fact.start,
        end=fact.end,
        added_by=by,
    )


def _under_roots(rows: ContextRows, claims: Mapping[int, Claim]) -> Mapping[int, Claim]:
    """Return claims as they are believed: of whoever stands for their subjects and objects."""
    objects = {claim.object_id for claim in claims.values() if claim.object_id is not None}
    roots = roots_of(rows, {claim.subject_id for claim in claims.values()} | objects)
    return {
        n: replace(claim, subject_id=roots[claim.subject_id], object_id=None if claim.object_id is None else roots[claim.object_id])
        for n, claim in claims.items()
    }


def _once(asserted: Mapping[int, Claim], known: Mapping[Group, Sequence[Claim]], episode: Episode) -> Mapping[int, Claim]:
    """Return each claim as its episode has made it first; who says a thing twice says it once."""
    on_record = {
        (group, claim.said, claim.valid_from_us, claim.valid_to_us): claim
        for group, claims in known.items()
        for claim in claims
        if claim.episode_id == episode.episode_id
    }
    return {
        n: on_record.setdefault((claim.group, claim.said, claim.valid_from_us, claim.valid_to_us), claim) for n, claim in asserted.items()
    }
