"""`serve --demo`: a small context of the demo CRM, so that a newcomer has something to ask: who, since when, and who says so."""

from dataclasses import dataclass, field

from oauth.tenants import DEFAULT_TENANT
from server.app import Gateway
from tools.context_plane.arguments.assertions import Assertion, SaidEpisode, SaidFact
from tools.context_plane.assertion import assert_facts
from tools.context_plane.facts import EVERYBODY
from tools.context_plane.identity.keys import Mention
from tools.context_plane.stores import ContextRows
from tools.context_plane.times import time_us

SOURCE = "demo-crm"
_KAHUNA = Mention("Kahuna", "account", (("crm", "com_kahuna"),))
_DEAL = Mention("Kahuna renewal", "deal", (("crm", "dea_kahuna"),))
_DANA = Mention("Dana Reyes", "person", (("email", "dana.reyes@kahuna.example"),))
_OMAR = Mention("Omar Haddad", "person", (("email", "omar.haddad@kahuna.example"),))
_ADA = Mention("Ada Lovelace", "person", (("email", "ada.lovelace@analyticalengines.example"),))
_ENGINES = Mention("Analytical Engines", "account", (("crm", "com_2001"),))
_RECORDS = (
    (_KAHUNA, "champion", _DANA, "2026-01-15", "2026-03-09"),
    (_KAHUNA, "champion", _OMAR, "2026-03-16", None),
    (_KAHUNA, "industry", "hospitality", None, None),
    (_DEAL, "account", _KAHUNA, "2026-01-15", None),
    (_DEAL, "stage", "discovery", "2026-01-15", "2026-02-20"),
    (_DEAL, "stage", "negotiation", "2026-02-20", None),
    (_DEAL, "amount", "48,000 USD", "2026-02-20", None),
    (_ADA, "employer", _ENGINES, None, None),
    (_ADA, "job title", "Chief Analyst", None, None),
)
_CALL = (
    "Dana told us that her last day at Kahuna is the ninth of March. Omar Haddad takes over the renewal from the sixteenth; "
    "he asks for the security questionnaire again."
)


@dataclass(slots=True)
class DemoContext:
    """What a newcomer is told of it. It stays as it is once there was anything: what they forgot does not come back."""

    lines: list[str] = field(default_factory=list)

    async def prepare(self, gateway: Gateway) -> None:
        """Keep what the demo knows, where the tenant never kept anything."""
        if not await gateway.store.knowledge.revision(DEFAULT_TENANT):
            await gateway.store.context.change(DEFAULT_TENANT, _keep)
        self.lines.append('or         "Who is the champion at Kahuna, and who was it in February?" (needs no account)')


def _keep(rows: ContextRows) -> None:
    records = SaidEpisode(source=SOURCE, source_id="accounts", kind="record", occurred_at_us=time_us("2026-11-01"))
    assert_facts(rows, Assertion(tuple(_said(*record) for record in _RECORDS), records), EVERYBODY, "record")
    call = SaidEpisode(SOURCE, "call-17", "transcript", time_us("2026-03-02T10:00:00Z"), "Dana Reyes", "", _CALL)
    left = SaidFact(_DANA, "employer", _KAHUNA, None, None, time_us("2026-03-09"))
    assert_facts(rows, Assertion((left,), call), EVERYBODY, "mapped")


def _said(subject: Mention, predicate: str, value: Mention | str, since: str | None, until: str | None) -> SaidFact:
    return SaidFact(
        subject=subject,
        predicate=predicate,
        object=value if isinstance(value, Mention) else None,
        value=value if isinstance(value, str) else None,
        valid_from_us=None if since is None else time_us(since),
        valid_to_us=None if until is None else time_us(until),
    )
