"""What somebody decides about two entities that may be one: they are, they are not, or that is open again. Links can be undone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from oauth.principal import Principal
from tools.context_plane.arguments.mentions import mention_of
from tools.context_plane.arguments.reader import Reader
from tools.context_plane.beliefs.recompute import Difference
from tools.context_plane.errors import ContextRefused, nothing_there
from tools.context_plane.facts import EVERYBODY
from tools.context_plane.identity.keys import Mention
from tools.context_plane.identity.linking import meant_entity
from tools.context_plane.identity.merging import merge, unmerge
from tools.context_plane.identity.pair import pair_key
from tools.context_plane.identity.sight import seen_by
from tools.context_plane.ids import ENTITY, id_text
from tools.context_plane.stores import ContextRows, ContextStore, Scope
from tools.operation import Json

Step = Literal["same", "different", "undo"]


@dataclass(frozen=True, slots=True)
class Linking:
    """That `entity` is one with `other`, which then stands for both; or is not; or that neither is decided any more."""

    entity: Mention
    other: Mention
    step: Step


async def context_link(store: ContextStore, principal: Principal, arguments: Mapping[str, Json]) -> dict[str, Json]:
    """Decide about `entity` and `other` ("ent_…", a name, or {kind, name, keys}): `decision` same, different or undo.

    same: `other` stands for both from now on, for everybody, and what is believed follows. different: they are not proposed any more.
    undo: either is taken back, and all that was each one's is its own again. Answers {entity, other, decision, retired, believed: counts
    of facts}. Raises ContextRefused: not_found; conflict where there is nothing to undo, where they are one already, or where one of them
    is known by somebody's private facts alone: a link is for everybody.
    """
    reader = Reader()
    members = reader.members("", arguments, ("entity", "other", "decision"))
    entity, other = (mention_of(reader, name, members.get(name)) for name in ("entity", "other"))
    step: Any = members.get("decision")
    if step not in get_args(Step):
        reader.fault("decision", step, "is none of same, different, undo", "same")
    reader.check()
    linking = Linking(entity, other, step)
    is_local = principal.auth_method == "local"
    audiences = None if is_local else Scope(principal.tenant_id, principal.subject).audiences
    who = "operator" if is_local else principal.subject
    entity_id, other_id, difference = await store.change(principal.tenant_id, lambda rows: decide(rows, linking, audiences, who))
    return {
        "entity": id_text(ENTITY, entity_id),
        "other": id_text(ENTITY, other_id),
        "decision": step,
        "retired": len(difference.retired),
        "believed": len(difference.added),
    }


def decide(rows: ContextRows, linking: Linking, audiences: Collection[str] | None, by: str) -> tuple[int, int, Difference]:
    """Do what `context_link` says, in the transaction of `rows`."""
    entity_id, other_id = (_meant(rows, mention, audiences) for mention in (linking.entity, linking.other))
    if entity_id == other_id:
        raise ContextRefused("conflict", f"both are {id_text(ENTITY, entity_id)}", hint="give the ids that context_proposals gave")
    pair = pair_key(entity_id, other_id)
    if linking.step == "undo":
        return entity_id, other_id, _undone(rows, entity_id, other_id)
    if audiences is not None:
        _check_known(rows, pair)
    if linking.step == "different":
        _check_open(rows, entity_id, other_id)
        rows.decide(pair, "different", by)
        return entity_id, other_id, Difference()
    difference = merge(rows, entity_id, other_id, by)
    rows.decide(pair, "same", by)
    return entity_id, other_id, difference


def _undone(rows: ContextRows, entity_id: int, other_id: int) -> Difference:
    entities, pair = rows.entities([entity_id, other_id]), pair_key(entity_id, other_id)
    merged = next((one for one, into in ((entity_id, other_id), (other_id, entity_id)) if entities[one].merged_into == into), None)
    if merged is None and not rows.decision_of(pair):
        raise ContextRefused("conflict", "nothing was decided about these two", hint="context_proposals with decided: true lists what was")
    rows.decide(pair, "", "")
    return Difference() if merged is None else unmerge(rows, merged)


def _meant(rows: ContextRows, mention: Mention, audiences: Collection[str] | None) -> int:
    """Return the entity itself where its number is given, even where another stands for it: that is what is undone."""
    if mention.entity_id is None:
        return meant_entity(rows, mention, audiences)
    if not rows.entities(seen_by(rows, [mention.entity_id], audiences)):
        raise nothing_there("entity")
    return mention.entity_id


def _check_known(rows: ContextRows, entity_ids: Collection[int]) -> None:
    known = seen_by(rows, entity_ids, (EVERYBODY,))
    if hidden := [id_text(ENTITY, each) for each in entity_ids if each not in known]:
        raise ContextRefused(
            "conflict",
            f"only your private facts speak of {hidden[0]}, and a link is for everybody: it would tell its name",
            hint="assert a fact about it for everybody first, if all may know",
        )


def _check_open(rows: ContextRows, entity_id: int, other_id: int) -> None:
    entities = rows.entities([entity_id, other_id])
    if entities[entity_id].merged_into == other_id or entities[other_id].merged_into == entity_id:
        raise ContextRefused("conflict", "these two are one now", hint="decide undo first")
