"""What one item comes to: its episode, its claims, its document, in one transaction; and how it goes when its source has it no more."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from tools.context_plane.arguments.assertions import assertion_of
from tools.context_plane.assertion import assert_facts
from tools.context_plane.beliefs.recompute import recompute
from tools.context_plane.errors import ContextRefused
from tools.context_plane.facts import Cardinality, Part, said_number
from tools.context_plane.forgetting.forgotten_claims import forget_claims
from tools.context_plane.identity.families import roots_of
from tools.context_plane.ids import new_id
from tools.context_plane.predicates import declare
from tools.context_plane.rag.records import DocumentRecord, item_url, new_document_id
from tools.context_plane.stores import ContextRows, EpisodeVersion
from tools.context_plane.times import time_text
from tools.operation import Json
from tools.workflows.ingestion.item import Item, gone_mark_of, mark_of
from tools.workflows.ingestion.staging import unstage
from tools.workflows.run import Writes


def take_in(writes: Writes, given: Mapping[str, Json]) -> Json:
    """Take in the items that a run was given, as far as they still wait; say what became of how many."""
    outcomes: dict[str, int] = {}
    for source_id, content_hash in given["items"]:
        mark = mark_of(given["source"], source_id)
        waiting = writes.marks.get(mark)
        item = Item.waiting(waiting)
        if item is None or item.content_hash != content_hash:
            # Something newer waits, or the source has it no more.
            outcome = "superseded"
        else:
            outcome = _take_in(writes, item)
            writes.marks.put(mark, item.taken)
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
    return outcomes


def forget_items(writes: Writes, source: str, source_ids: Collection[str], why: str) -> int:
    """Forget what an item's source has no more: its episodes with all that rests on them alone, its documents, what waits of it.

    `why` tells this time from others: should it come back, it is taken in anew. Returns how many were on record.
    """
    unstage(writes, source, source_ids)
    versions = writes.context.versions_of(source, source_ids)
    _forget_versions(writes, [each for of_item in versions.values() for each in of_item])
    for source_id in source_ids:
        writes.marks.put(gone_mark_of(source, source_id), hashlib.sha256(why.encode()).hexdigest()[:12])
    return len(versions)


def _take_in(writes: Writes, item: Item) -> str:
    rows = writes.context
    versions = rows.versions_of(item.source, [item.source_id]).get(item.source_id, ())
    if any(each.content_hash == item.content_hash and each.audience == item.audience for each in versions):
        return "known"
    if not item.replaces and any(each.occurred_at_us > item.occurred_at_us for each in versions):
        return "superseded"
    if item.replaces:
        _forget_versions(writes, versions)
    else:
        _end(rows, versions, item)
    _declare(rows, item.cardinalities)
    assert_facts(rows, assertion_of(_assertion(item))[0], item.audience, "record")
    if item.document_name:
        _add_document(writes, item)
    return "taken"


def _assertion(item: Item) -> dict[str, Json]:
    episode = {
        "source": item.source,
        "source_id": item.source_id,
        "kind": item.kind,
        "occurred_at": time_text(item.occurred_at_us),
        "author": item.author,
        "url": item.url,
        "content": item.content,
    }
    return {"facts": list(item.facts), "episode": episode}


def _declare(rows: ContextRows, cardinalities: Mapping[str, Cardinality]) -> None:
    """Declare what nobody has declared: it is our map that says so, for everybody, whoever may see the item."""
    known = rows.cardinalities(cardinalities.keys())
    for predicate in cardinalities.keys() - known.keys():
        # Where thousands of subjects have it already, that is for an operator to say (`ascend context predicates`).
        with suppress(ContextRefused):
            declare(rows, predicate, cardinalities[predicate])


def _add_document(writes: Writes, item: Item) -> None:
    content = item.content.encode()
    document = DocumentRecord(
        document_id=new_document_id(),
        audience=item.audience,
        name=item.document_name,
        media_type="text/markdown",
        sha256=hashlib.sha256(content).hexdigest(),
        size_bytes=len(content),
        created_at_us=writes.context.now_us,
        metadata=item.document_metadata,
        url=item_url(item.source, item.source_id),
    )
    writes.documents.add(document, content)


def _forget_versions(writes: Writes, versions: Sequence[EpisodeVersion]) -> None:
    if not versions:
        return
    episode_ids = [version.episode_id for version in versions]
    forget_claims(writes.context, writes.context.claims_in(episode_ids))
    writes.context.delete_episodes(episode_ids)
    for source, source_id in {(version.source, version.source_id) for version in versions}:
        writes.documents.forget(item_url(source, source_id))


def _end(rows: ContextRows, versions: Sequence[EpisodeVersion], item: Item) -> None:
    """End what earlier versions said of predicates that have no value any more."""
    if not item.ended or not versions:
        return
    at_us = item.occurred_at_us
    open_claims = [
        claim
        for claim in rows.claims_in([version.episode_id for version in versions])
        if claim.predicate in item.ended and claim.withdrawn_at_us is None and claim.valid_to_us is None
    ]
    begun = [claim for claim in open_claims if claim.valid_from_us is None or claim.valid_from_us < at_us]
    rows.withdraw_claims([claim.claim_id for claim in begun])
    rows.add_claims([replace(claim, claim_id=new_id(), valid_to_us=at_us, recorded_at_us=rows.now_us) for claim in begun])
    roots = roots_of(rows, {each for claim in begun for each in (claim.subject_id, claim.object_id) if each is not None})
    recompute(
        rows,
        {
            Part(
                claim.group._replace(subject_id=roots[claim.subject_id]),
                said_number(None if claim.object_id is None else roots[claim.object_id], claim.value),
            )
            for claim in begun
        },
    )
