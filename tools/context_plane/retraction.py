"""context_retract: what was said is taken back, or ended; belief follows, and what was believed until now stays on record."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

from oauth.principal import Principal
from tools.context_plane.arguments.reader import Reader
from tools.context_plane.beliefs.recompute import Difference, recompute
from tools.context_plane.beliefs.window import overlap
from tools.context_plane.errors import ContextRefused, nothing_there
from tools.context_plane.facts import Claim, Episode, Fact, Part, said_number
from tools.context_plane.ids import FACT, id_number, id_text, new_id, person_number
from tools.context_plane.stores import ContextRows, ContextStore, Scope
from tools.context_plane.times import time_text
from tools.operation import Json

MAX_REASON_CHARS = 2_000
#: source of the episodes that say who took what back, and why; their source id is the fact
RETRACTION = "retraction"


@dataclass(frozen=True, slots=True)
class Retraction:
    fact_id: int
    #: from when on it does not hold; None: it never did
    at_us: int | None
    reason: str


async def context_retract(store: ContextStore, principal: Principal, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Withdraw what says `fact_id` (fct_…), or end it at `at`; `reason` is kept as an episode of source "retraction".

    Answers {fact_id, claims: how many, retired: [facts], believed: [facts that follow from what is left]}. What a source said and somebody
    took back stays taken back when the source is read again. Raises ContextRefused: not_found, bad_time, and conflict where the
    fact is not believed any more.
    """
    reader = Reader()
    members = reader.members("", arguments, ("fact_id", "at", "reason"))
    fact_id = id_number(FACT, reader.line("fact_id", members.get("fact_id"), 64, example="fct_3x…", is_needed=True))
    at_us = reader.time("at", members.get("at"))
    reason = reader.line("reason", members.get("reason"), MAX_REASON_CHARS)
    reader.check()
    if fact_id is None:
        raise nothing_there("fact")
    scope = Scope(principal.tenant_id, principal.subject)
    asked = Retraction(fact_id=fact_id, at_us=at_us, reason=reason)
    count, difference = await store.change(principal.tenant_id, lambda rows: retract(rows, scope, asked))
    return {
        "fact_id": id_text(FACT, fact_id),
        "claims": count,
        "retired": [id_text(FACT, fact.fact_id) for fact in difference.retired],
        "believed": [id_text(FACT, fact.fact_id) for fact in difference.added],
    }


def retract(rows: ContextRows, scope: Scope, asked: Retraction) -> tuple[int, Difference]:
    """Take back or end the claims that a fact rests on; return how many, and the difference that it made."""
    fact = rows.facts([asked.fact_id]).get(asked.fact_id)
    if fact is None or fact.group.audience not in scope.audiences:
        raise nothing_there("fact")
    if fact.retired_at_us is not None:
        raise ContextRefused(
            "conflict",
            f"{id_text(FACT, fact.fact_id)} is not believed any more, since {time_text(fact.retired_at_us)}",
            hint="context_query gives what is believed now",
        )
    _check_time(fact, asked.at_us)
    rows.add_episodes([_record(rows, scope, fact, asked)])
    # From when on nothing may say so any more.
    gone = fact.belief if asked.at_us is None else replace(fact.belief, valid_from_us=asked.at_us)
    part, count, difference = Part(fact.group, said_number(*fact.belief.said)), 0, Difference()
    standing = [fact]
    while standing:
        # A belief names the strongest of its claims alone: what is left when these are gone is taken back as well.
        named = rows.claims({claim_id for each in standing for claim_id in each.belief.claim_ids}).values()
        claims = [claim for claim in named if overlap(claim, gone)]
        rows.withdraw_claims([claim.claim_id for claim in claims])
        rows.add_claims([_ended(claim, asked.at_us, rows.now_us) for claim in claims if _begins_before(claim, asked.at_us)])
        count += len(claims)
        made = recompute(rows, [part])
        difference += made
        standing = [each for each in made.believed if each.belief.said == fact.belief.said and overlap(each.belief, gone)]
    return count, difference


def _check_time(fact: Fact, at_us: int | None) -> None:
    begin, end = fact.belief.valid_from_us, fact.belief.valid_to_us
    if at_us is not None and ((begin is not None and at_us <= begin) or (end is not None and at_us >= end)):
        window = f"from {time_text(begin) or 'ever'} to {time_text(end) or 'now'}"
        raise ContextRefused(
            "bad_time", f"at {time_text(at_us)} is not within {window}, while it holds", hint="without `at` it is withdrawn: it never held"
        )


def _begins_before(claim: Claim, at_us: int | None) -> bool:
    return at_us is not None and (claim.valid_from_us is None or claim.valid_from_us < at_us)


def _ended(claim: Claim, at_us: int | None, now_us: int) -> Claim:
    return replace(claim, claim_id=new_id(), valid_to_us=at_us, recorded_at_us=now_us)


def _record(rows: ContextRows, scope: Scope, fact: Fact, asked: Retraction) -> Episode:
    """Return the episode that says who took it back, and why."""
    return Episode(
        episode_id=new_id(),
        audience=fact.group.audience,
        source=RETRACTION,
        source_id=id_text(FACT, fact.fact_id),
        content_hash=hashlib.sha256(f"{asked.at_us} {asked.reason}".encode()).hexdigest(),
        kind=RETRACTION,
        occurred_at_us=rows.now_us,
        recorded_at_us=rows.now_us,
        author=scope.subject,
        content=asked.reason,
        added_by=person_number(scope.subject),
    )
