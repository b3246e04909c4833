"""Belief in a predicate that has one value at a time: stage, owner, employer (context contract §1)."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from operator import attrgetter

from tools.context_plane.beliefs.window import METHOD_RANK, Said, Window, belief_of
from tools.context_plane.facts import Belief, Claim, FactState

#: the greater wins: later begin, stronger method, later said
Rank = tuple[int, int, int]


@dataclass(slots=True)
class _Run:
    """One value in one state, for as long as nothing changes."""

    said: Said
    state: FactState
    begin: int
    end: int


def one_value(windows: Iterable[Window]) -> Iterator[Belief]:
    """Yield what is believed at each moment.

    An open end lasts until another value begins; a stated end is kept. Of what holds at a moment, the latest begin wins, then
    the method (record, asserted, mapped, extracted), then the later `occurred_at`; never the time of arrival. What is equal in all of
    them and says something else is a conflict, and each of it stays.
    """
    ended = _ended(list(windows))
    windows_by_said: defaultdict[Said, list[Window]] = defaultdict(list)
    for window in sorted(ended, key=attrgetter("begin")):
        windows_by_said[window.claim.said].append(window)
    runs_by_said: defaultdict[Said, list[_Run]] = defaultdict(list)
    for run in _runs(ended):
        runs_by_said[run.said].append(run)
    for said, runs in runs_by_said.items():
        for run, claims in _supported(runs, windows_by_said[said]):
            yield belief_of(said, run.state, run.begin, run.end, claims)


def _ended(windows: Sequence[Window]) -> list[Window]:
    """Return the windows with each open end at the next begin of another value."""
    at: defaultdict[int, list[Window]] = defaultdict(list)
    for window in windows:
        at[window.begin].append(window)
    ended: list[Window] = []
    #: the two nearest later begins of different values
    nearest: list[tuple[int, Said]] = []
    for begin in sorted(at, reverse=True):
        for window in at[begin]:
            other = next((later for later, said in nearest if said != window.claim.said), None)
            ended.append(window if other is None or not window.is_open else replace(window, end=other))
        here = list(dict.fromkeys(window.claim.said for window in at[begin]))
        nearest = [*((begin, said) for said in here), *(each for each in nearest if each[1] not in here)][:2]
    return ended


def _runs(windows: Sequence[Window]) -> list[_Run]:
    """Return what wins, moment by moment, one run for as long as it stays the same."""
    #: of each rank: when what it says ends
    ends: defaultdict[Rank, dict[Said, int]] = defaultdict(dict)
    for window in windows:
        said = window.claim.said
        of_rank = ends[_rank(window)]
        of_rank[said] = max(of_rank.get(said, window.end), window.end)
    begins = sorted(ends)
    standing: list[tuple[int, int, int]] = []
    runs: list[_Run] = []
    last: dict[Said, _Run] = {}
    edges = sorted({edge for window in windows for edge in (window.begin, window.end)})
    next_rank = 0
    for edge, until in pairwise(edges):
        while next_rank < len(begins) and begins[next_rank][0] <= edge:
            begin, method, occurred = begins[next_rank]
            heapq.heappush(standing, (-begin, -method, -occurred))
            next_rank += 1
        holding: list[Said] = []
        while standing and not holding:
            begin, method, occurred = standing[0]
            holding = [said for said, end in ends[(-begin, -method, -occurred)].items() if end > edge]
            if not holding:
                heapq.heappop(standing)
        state: FactState = "believed" if len(holding) == 1 else "conflict"
        for said in holding:
            run = last.get(said)
            if run is not None and run.end == edge and run.state == state:
                run.end = until
            else:
                last[said] = _Run(said, state, edge, until)
                runs.append(last[said])
    return runs


def _rank(window: Window) -> Rank:
    return window.begin, -METHOD_RANK[window.claim.method], window.claim.occurred_at_us


def _supported(runs: Sequence[_Run], windows: Sequence[Window]) -> Iterator[tuple[_Run, list[Claim]]]:
    """Yield each run of one value with the claims that say so within it; both are in the order of their begins."""
    coming, holding = iter(windows), list[Window]()
    window = next(coming, None)
    for run in runs:
        while window is not None and window.begin < run.end:
            holding.append(window)
            window = next(coming, None)
        holding = [each for each in holding if each.end > run.begin]
        yield run, [each.claim for each in holding]
