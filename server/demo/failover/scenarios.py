"""The sixteen scenarios: what every target but the last does wrong, and what the caller has to notice of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from server.demo.failover.heard import Heard

#: pass: as it should be · safe: not rescued, but the caller was told so · fail: taken for complete, mixed, or asked too often
Verdict = Literal["pass", "safe", "fail"]
#: a target is asked twice at most
MAX_ASKED = 2
RETRY_AFTER_S: Final = 1


@dataclass(frozen=True, slots=True)
class Played:
    """How one scenario went. `times_asked`: loop times at each target, in the order of the route; `expected`: what each would say."""

    heard: Heard
    times_asked: Sequence[Sequence[float]]
    expected: Sequence[str]
    #: half an answer was sent on to be completed
    was_prefilled: bool = False
    #: the first target's dialect is Anthropic's, where no terminal mark means that something is missing
    needs_mark: bool = False

    @property
    def answered_by(self) -> int | None:
        """The place of the target whose whole answer came, from 0; None: none did."""
        if not self.heard.is_done or self.heard.text not in self.expected:
            return None
        return self.expected.index(self.heard.text)


@dataclass(frozen=True, slots=True)
class Scenario:
    """`faults`: of every target but the last; of the only one, where there is but one. `last`: what that one does."""

    id: str
    title: str
    faults: str
    judge: Callable[[Played], tuple[Verdict, str]]
    #: held back until it is complete, so that a cut can be mended
    is_reliable: bool = False
    last: str = ""


def rescued(played: Played) -> tuple[Verdict, str]:
    """Judge a call that has to end with one whole answer, wherever it comes from."""
    heard = played.heard
    counts = [len(each) for each in played.times_asked]
    if max(counts) > MAX_ASKED:
        return "fail", f"a target was asked {max(counts)} times for one call"
    if played.was_prefilled:
        return "fail", "half an answer was sent to the next target as if it were the model's"
    if (by := played.answered_by) is not None:
        return "pass", f"answered by target {by + 1} after {heard.ms:.0f} ms ({'+'.join(map(str, counts))} requests)"
    if heard.is_done:
        return "fail", "a truncated or doubled answer passed for complete"
    if heard.is_told:
        return "safe", f"not rescued; the caller was told: {heard.told[:120]}"
    return "fail", "the answer ended without a word"


def waited_or_next(played: Played) -> tuple[Verdict, str]:
    """S01: the same target only after the time that it asked for."""
    verdict, said = rescued(played)
    first = played.times_asked[0]
    if len(first) > 1 and first[1] - first[0] < RETRY_AFTER_S * 0.9:
        return "fail", "asked again before the time that Retry-After said"
    return verdict, said


def passed_on(played: Played) -> tuple[Verdict, str]:
    """S13: a refusal of the content goes to the caller as it came, and nobody else is asked."""
    counts = [len(each) for each in played.times_asked]
    if sum(counts) != 1:
        return "fail", f"routed around a refusal of the content ({'+'.join(map(str, counts))} requests)"
    if played.heard.status == 400 and "content_policy_violation" in played.heard.error:
        return "pass", "the provider's refusal came back as it was"
    return "fail", f"status {played.heard.status}: the provider's reason is lost"


def own_answer(played: Played) -> tuple[Verdict, str]:
    """S11: complete is complete, also where the mark at the end is missing."""
    verdict, said = rescued(played)
    if verdict == "safe" and played.needs_mark:
        return "pass", "in Anthropic's dialect the mark is no option: the caller was told that something is missing"
    if verdict == "pass" and not played.heard.has_usage:
        return "fail", "usage is lost"
    return verdict, said


def says_who(played: Played) -> tuple[Verdict, str]:
    """S16: body and header name the model that answered, with its usage."""
    verdict, said = rescued(played)
    if verdict != "pass":
        return verdict, said
    # Told by its name at the provider; the last target alone bears it.
    if not played.heard.model.startswith("demo-last") or not played.heard.target:
        return "fail", f"the answer claims to be from {played.heard.model!r}"
    return ("pass", said) if played.heard.has_usage else ("fail", "usage is lost")


SCENARIOS: Final = (
    Scenario("S01", "429 with Retry-After, once", f"status=429&retry_after={RETRY_AFTER_S}&times=1", waited_or_next),
    Scenario("S02", "429 for ever", "status=429", rescued),
    Scenario("S03", "500, once", "status=500&times=1", rescued),
    Scenario("S04", "503 for ever", "status=503", rescued),
    Scenario("S05", "reset before any byte", "reset=1", rescued),
    Scenario("S06", "silence", "silent_s=3600", rescued),
    Scenario("S07", "the head at once, the first word never", "late_s=3600", rescued),
    Scenario("S08", "cut in the middle", "cut=9", rescued, is_reliable=True),
    Scenario("S09", "silence in the middle", "stall=9", rescued, is_reliable=True),
    Scenario("S10", "an event that is no JSON", "garble=9", rescued, is_reliable=True),
    Scenario("S11", "complete, without the mark at the end", "unmarked=1", own_answer),
    Scenario("S12", "the prompt is too long for it", "reason=context", rescued),
    Scenario("S13", "refused by the content filter", "reason=filter", passed_on),
    Scenario("S14", "cut, and the next takes no half answers", "cut=9", rescued, is_reliable=True, last="no_prefill=1"),
    # S15 is played by itself (server/demo/failover/outage.py): it takes several calls.
    Scenario("S15", "an outage that ends", "status=503", rescued),
    Scenario("S16", "who answered, and what it used", "status=503", says_who),
)
OUTAGE: Final = "S15"
