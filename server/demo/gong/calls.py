"""The calls that the Gong stand-in knows: the same for the same seed and day, however they are asked for."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from server.demo.gong.faults import GongFaults
from server.demo.stand_ins.companies import COMPANIES, CONTACTS_A_COMPANY, REPS, Company, Person, company, contact

_TITLES = ("Discovery", "Demo", "Pricing", "Security review", "Renewal", "Onboarding", "Quarterly review", "Negotiation")
#: of all calls
_PRIVATE_SHARE = 0.05


@dataclass(frozen=True)
class GongCall:
    """One call; `number` counts from the first of the first day."""

    number: int
    call_id: str
    started: datetime
    duration_s: int
    #: when it appears in lists, and when its transcript does: later, and in no order
    processed_at: datetime
    transcript_at: datetime
    topic: str
    company: Company
    contacts: tuple[Person, ...]
    reps: tuple[Person, ...]
    is_private: bool

    @property
    def title(self) -> str:
        return f"{self.topic} with {self.company.name}"


class GongCalls:
    """All calls from `first_day` on, `per_day` on each, of so many `days` (None: no end); what was deleted or changed by hand, too."""

    def __init__(self, first_day: date, per_day: int, seed: int, faults: GongFaults, days: int | None = None) -> None:
        self.first_day, self.per_day, self.days = first_day, per_day, days
        self._seed, self._faults = seed, faults
        self._days: dict[int, tuple[GongCall, ...]] = {}
        self._by_id: dict[str, GongCall] = {}
        #: call id -> when it was deleted, or processed anew
        self.deleted: dict[str, datetime] = {}
        self.changed: dict[str, datetime] = {}

    def started_within(self, begin: datetime, end: datetime, now: datetime) -> list[GongCall]:
        """Return the calls that began in [begin, end) and that are listed by `now`, by start."""
        first = max(0, (begin.date() - self.first_day).days)
        last = (min(end, now).date() - self.first_day).days
        calls = [call for day in range(first, last + 1) for call in self._of_day(day)]
        return sorted((call for call in calls if begin <= call.started < end and self.is_listed(call, now)), key=lambda call: call.started)

    def find(self, call_id: str, now: datetime) -> GongCall | None:
        """Return a call that is listed by `now`."""
        for day in range((now.date() - self.first_day).days + 1):
            self._of_day(day)
        call = self._by_id.get(call_id)
        return call if call is not None and self.is_listed(call, now) else None

    def is_listed(self, call: GongCall, now: datetime) -> bool:
        gone = self._happens_at(call, self._faults.deleted_every, self._faults.deleted_after_s, self.deleted)
        return call.processed_at <= now and not (gone is not None and gone <= now)

    def has_transcript(self, call: GongCall, now: datetime) -> bool:
        late_s = self._faults.late_s if is_nth(call, self._faults.late_every) else 0
        return call.transcript_at + timedelta(seconds=late_s) <= now

    def version(self, call: GongCall, now: datetime) -> int:
        """Return 1, or 2 once it was processed anew."""
        at = self._happens_at(call, self._faults.changed_every, self._faults.changed_after_s, self.changed)
        return 2 if at is not None and at <= now else 1

    def is_private(self, call: GongCall, now: datetime) -> bool:
        at = self._happens_at(call, self._faults.hidden_every, self._faults.hidden_after_s, {})
        return call.is_private or (at is not None and at <= now)

    def _happens_at(self, call: GongCall, every: int, after_s: int, by_hand: dict[str, datetime]) -> datetime | None:
        if call.call_id in by_hand:
            return by_hand[call.call_id]
        return call.started + timedelta(seconds=after_s) if is_nth(call, every) else None

    def _of_day(self, day: int) -> tuple[GongCall, ...]:
        if day not in self._days:
            self._days[day] = tuple(self._made(day))
            self._by_id |= {call.call_id: call for call in self._days[day]}
        return self._days[day]

    def _made(self, day: int) -> Iterator[GongCall]:
        midnight = datetime.combine(self.first_day + timedelta(days=day), datetime.min.time(), UTC)
        for n in range(self.per_day if self.days is None or day < self.days else 0):
            number = day * self.per_day + n
            dice = random.Random(f"gong:{self._seed}:{number}")  # noqa: S311  made-up calls
            started = midnight + timedelta(seconds=dice.randrange(7 * 3600, 19 * 3600))
            duration_s = dice.randrange(300, 3600)
            processed_at = started + timedelta(seconds=duration_s + dice.randrange(300, 3600))
            customer = company(dice.randrange(COMPANIES))
            places = dice.sample(range(CONTACTS_A_COMPANY), dice.choice((1, 1, 2, 3)))
            yield GongCall(
                number=number,
                call_id=str(dice.randrange(10**18, 10**19)),
                started=started,
                duration_s=duration_s,
                processed_at=processed_at,
                transcript_at=processed_at + timedelta(seconds=dice.randrange(0, 4 * 3600)),
                topic=dice.choice(_TITLES),
                company=customer,
                contacts=tuple(contact(customer.number, place) for place in sorted(places)),
                reps=tuple(dice.sample(REPS, dice.choice((1, 1, 2)))),
                is_private=dice.random() < _PRIVATE_SHARE,
            )


def is_nth(call: GongCall, every: int) -> bool:
    return every > 0 and (call.number + 1) % every == 0
