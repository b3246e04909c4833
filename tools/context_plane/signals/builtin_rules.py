"""The rules that come along: a champion who left, an owner who is silent, facts that contradict each other."""

from tools.context_plane.signals.rule import SignalRule, SubjectFacts, Verdict, days_between, latest

CHAMPION = frozenset({"champion", "has_champion", "champion_is", "sponsor"})
OWNER = frozenset({"owner", "owned_by", "account_owner", "has_owner"})
#: an owner of whose account nothing was heard for so long
SILENT_DAYS = 90
#: a champion who left so long ago is no news
NEWS_DAYS = 180


def _champion_left(about: SubjectFacts) -> Verdict | None:
    gone = about.ended(CHAMPION)
    if not gone:
        return None
    last = latest(gone)
    now = about.true_now(CHAMPION)
    if now:
        reason = f"{now[0].value} is the champion, after {last.value}"
        return Verdict("replaced", 0.2, reason, (now[0], last))
    since = days_between(last.fact.belief.valid_to_us or about.at_us, about.at_us)
    reason = f"{last.value} is no longer the champion, for {since} days, and nobody else is known to be"
    return Verdict("left", max(0.3, 1 - since / NEWS_DAYS), reason, (last,))


def _stale_owner(about: SubjectFacts) -> Verdict | None:
    owners = about.true_now(OWNER)
    if not owners:
        return None
    heard = max((said.episode.occurred_at_us for each in about.facts for said in each.said), default=0)
    silent = days_between(heard, about.at_us)
    owner = owners[0]
    if silent < SILENT_DAYS:
        return Verdict("active", 0.0, f"{owner.value} owns it, and something was heard {max(silent, 0)} days ago", (owner,))
    reason = f"{owner.value} owns it, and nothing was heard for {silent} days"
    return Verdict("stale", min(1.0, silent / (4 * SILENT_DAYS)), reason, (owner,))


def _contradiction(about: SubjectFacts) -> Verdict | None:
    against = [each for each in about.facts if each.fact.belief.state == "conflict" and each.fact.group.subject_id == about.subject_id]
    if not against:
        return None
    predicates = ", ".join(sorted({each.fact.group.predicate for each in against}))
    return Verdict("conflict", 0.5, f"sources contradict each other in: {predicates}", tuple(against[:10]))


RULES: tuple[SignalRule, ...] = (
    SignalRule("champion-left", "1", "the champion of an account is one no longer", _champion_left),
    SignalRule("stale-owner", "1", "an account has an owner, and nobody says anything of it", _stale_owner),
    SignalRule("contradiction", "1", "sources say different things that cannot both be so", _contradiction),
)
