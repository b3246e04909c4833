"""Items that are new or changed wait for a run of their own: with the commit of the page that they came with."""

from collections.abc import Collection, Sequence

from tools.context_plane.stores import EpisodeVersion
from tools.workflows.ingestion.declared import ITEM
from tools.workflows.ingestion.item import Item, gone_mark_of, mark_of
from tools.workflows.run import Writes

#: of an item's hash in keys: as many as nobody finds twice
_HASH_CHARS = 32


def stage(writes: Writes, items: Sequence[Item], *, together: str = "") -> int:
    """Have a run take in each item that the store does not have like this; return how many.

    What was taken in like this and is gone was forgotten here, and stays so. The run's key is source/id/hash, and what it replaces behind
    it: a call that is changed back is taken in a third time. What waits for an older version waits no more. `together`: one run with this
    key takes in all of them, for first loads.
    """
    if not items:
        return 0
    versions = writes.context.versions_of(items[0].source, [item.source_id for item in items])
    staged = []
    for item in items:
        of_item = versions.get(item.source_id, ())
        at_mark = writes.marks.get(item.mark)
        if any(_is_same(version, item) for version in of_item) or at_mark == item.taken:
            if at_mark is not None and at_mark != item.taken:
                writes.marks.put(item.mark, item.taken)
            continue
        if Item.waiting(at_mark) == item:
            continue
        writes.marks.put(item.mark, item.plain())
        staged.append(item)
        if not together:
            writes.enqueue(ITEM, _given([item]), key=_key(writes, item, of_item))
    if together and staged:
        writes.enqueue(ITEM, _given(staged), key=together)
    return len(staged)


def unstage(writes: Writes, source: str, source_ids: Collection[str]) -> None:
    """Let items that their source does not have any more wait no longer."""
    for source_id in source_ids:
        writes.marks.put(mark_of(source, source_id), None)


def _is_same(version: EpisodeVersion, item: Item) -> bool:
    return version.content_hash == item.content_hash and version.audience == item.audience


def _given(items: Sequence[Item]) -> dict[str, object]:
    return {"source": items[0].source, "items": [[item.source_id, item.content_hash] for item in items]}


def _key(writes: Writes, item: Item, versions: Sequence[EpisodeVersion]) -> str:
    key = f"{item.source}/{item.source_id}/{item.content_hash[:_HASH_CHARS]}"
    after = max((version.episode_id for version in versions), default=None) if item.replaces else None
    # Once it was gone: the key may have been used before.
    after = after or writes.marks.get(gone_mark_of(item.source, item.source_id))
    return f"{key}/{after}" if after else key
