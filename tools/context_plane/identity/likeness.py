"""Names that are half alike or more, of a few among many, without comparing each with each."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from tools.context_plane.facts import Entity
from tools.context_plane.identity.names import trigrams

LEAST_SIMILARITY = 0.5


def alike(few: Sequence[Entity], many: Iterable[Entity]) -> dict[tuple[int, int], float]:
    """Return (entity of `few`, entity of `many`) -> shared trigrams in all of them, from LEAST_SIMILARITY on."""
    sizes = {entity.entity_id: len(trigrams(entity.normal_name)) for entity in few}
    bearers: defaultdict[str, list[int]] = defaultdict(list)
    for entity in few:
        for trigram in trigrams(entity.normal_name):
            bearers[trigram].append(entity.entity_id)
    found: dict[tuple[int, int], float] = {}
    for other in many:
        own = trigrams(other.normal_name)
        shared = Counter(each for trigram in own for each in bearers.get(trigram, ()))
        for entity_id, count in shared.items():
            share = count / (sizes[entity_id] + len(own) - count)
            if share >= LEAST_SIMILARITY and entity_id != other.entity_id:
                found[entity_id, other.entity_id] = share
    return found
