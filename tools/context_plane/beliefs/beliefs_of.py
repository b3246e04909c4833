"""What the claims of one group come to (context contract §1, Belief): a pure function, so the order of their arrival never matters."""

from collections import defaultdict
from collections.abc import Iterable

from tools.context_plane.beliefs.one_value import one_value
from tools.context_plane.beliefs.window import Said, Window, belief_of, in_order, windows_of
from tools.context_plane.facts import Belief, Cardinality, Claim


def beliefs_of(claims: Iterable[Claim], cardinality: Cardinality) -> tuple[Belief, ...]:
    """Return what is believed because of `claims`, all of one group, in the order of their begins.

    Windows are half-open. `many`: whatever is said holds when it is said to hold; equal values whose windows touch join.
    `one`: see `one_value`. Withdrawn claims, and those whose window is empty, count for nothing.
    """
    windows = windows_of(claims)
    return in_order(one_value(windows) if cardinality == "one" else _many_values(windows))


def _many_values(windows: Iterable[Window]) -> Iterable[Belief]:
    windows_by_said: defaultdict[Said, list[Window]] = defaultdict(list)
    for window in windows:
        windows_by_said[window.claim.said].append(window)
    for said, same in windows_by_said.items():
        same.sort(key=lambda window: window.begin)
        joined, end = [same[0]], same[0].end
        for window in same[1:]:
            if window.begin > end:
                yield belief_of(said, "believed", joined[0].begin, end, (each.claim for each in joined))
                joined, end = [], window.end
            joined.append(window)
            end = max(end, window.end)
        yield belief_of(said, "believed", joined[0].begin, end, (each.claim for each in joined))
