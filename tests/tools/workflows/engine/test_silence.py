"""Who is taken for dead: after the time that was set, not before, and whatever clocks do."""

from tools.workflows.engine.records import Beat
from tools.workflows.engine.silence import Silence

SECOND_US = 1_000_000


class Watch:
    """One process that looks once a second at another, with clocks that the test sets."""

    def __init__(self, silence_s: float = 30.0) -> None:
        self.monotonic_s, self.wall_s, self.ahead_s, self.beat = 100.0, 1_000.0, 0.0, Beat("other", 1, 1_000 * SECOND_US)
        self._silence = Silence(silence_s, lambda: round((self.wall_s + self.ahead_s) * SECOND_US), lambda: self.monotonic_s)

    def beats(self) -> None:
        self.beat = Beat("other", self.beat.count + 1, round(self.wall_s * SECOND_US))

    def pass_s(self, seconds: float) -> None:
        self.monotonic_s += seconds
        self.wall_s += seconds

    def is_silent(self) -> bool:
        return bool(self._silence.silent([self.beat], "own"))

    def silent_after_s(self, most_s: int = 200) -> int | None:
        """Look once a second; return after how many the other is silent."""
        for passed in range(most_s):
            if self.is_silent():
                return passed
            self.pass_s(1)
        return None


def test_a_process_that_died_is_silent_after_the_time_that_was_set() -> None:
    assert Watch().silent_after_s() == 31
    assert Watch(3.0).silent_after_s() == 4


def test_a_process_that_beats_is_never_silent() -> None:
    watch = Watch()
    for _ in range(30):
        watch.beats()
        assert watch.silent_after_s(10) is None


def test_a_clock_set_back_keeps_no_dead_process_alive() -> None:
    watch = Watch()
    watch.ahead_s = -3_600.0
    assert watch.silent_after_s() == 31


def test_a_clock_set_forward_gives_the_others_the_time_to_beat() -> None:
    watch = Watch()
    assert watch.silent_after_s(10) is None
    watch.ahead_s = 3_600.0
    assert watch.silent_after_s(40) == 0  # Seen unmoved for ten seconds, and an hour old: the fence makes it harmless.
    fresh = Watch()
    fresh.ahead_s = 3_600.0
    assert fresh.silent_after_s() == 6


def test_after_the_store_was_away_nobody_is_silent_before_they_could_beat() -> None:
    watch = Watch()
    assert watch.silent_after_s(10) is None
    watch.pass_s(600)
    assert watch.silent_after_s(5) is None
    watch.beats()
    assert watch.silent_after_s(20) is None


def test_a_process_that_starts_anew_takes_over_from_its_dead_self_within_seconds() -> None:
    watch = Watch()
    watch.pass_s(40)
    assert watch.silent_after_s() == 6


def test_nobody_is_silent_to_themselves() -> None:
    watch = Watch()
    watch.beat = Beat("own", 1, 0)
    assert watch.silent_after_s() is None
