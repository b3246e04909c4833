"""Tables of alerts (operations contract, "Alerts"): what holds, what was told of it, to whom, and who wants to hear nothing."""

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from server.storage.schema.metadata import metadata

#: One row for each (rule, labels) that holds, or held within the last days.
alert_states = Table(
    "alert_states",
    metadata,
    Column("rule", String(64), primary_key=True),
    #: of the labels
    Column("mark", String(32), primary_key=True),
    #: JSON object
    Column("labels", Text, nullable=False),
    #: pending, firing, resolved
    Column("state", String(16), nullable=False),
    Column("summary", Text, nullable=False),
    Column("began_at", BigInteger, nullable=False),
    Column("fired_at", BigInteger),
    #: since when it does not hold any more; it may come back before it counts as over
    Column("gone_at", BigInteger),
    Column("resolved_at", BigInteger),
    Column("changed_at", BigInteger, nullable=False),
)

#: What was told of a rule: one message for all of its alerts.
alert_groups = Table(
    "alert_groups",
    metadata,
    Column("rule", String(64), primary_key=True),
    Column("told_at", BigInteger),
    #: JSON lists of marks: what the last message said
    Column("told_firing", Text, nullable=False),
    Column("told_resolved", Text, nullable=False),
    #: since when there is something to tell
    Column("waits_from", BigInteger),
)

#: Messages on their way, a row for each sink.
alert_outbox = Table(
    "alert_outbox",
    metadata,
    Column("delivery_id", String(32), primary_key=True),
    Column("sink", String(64), nullable=False),
    Column("rule", String(64), nullable=False),
    #: JSON
    Column("message", Text, nullable=False),
    #: waiting, sent, dead
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False, index=True),
    #: when it is tried again; for what has ended, when that was
    Column("next_at", BigInteger, nullable=False),
    Column("error", Text, nullable=False),
    Index("ix_alert_outbox_next", "state", "next_at"),
)

silences = Table(
    "silences",
    metadata,
    Column("silence_id", String(32), primary_key=True),
    #: JSON object: what a rule's name and labels have to be
    Column("matchers", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False, index=True),
)

#: One row: the node that looks, and what it needs to remember of before.
alert_watch = Table(
    "alert_watch",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", BigInteger, nullable=False),
    #: JSON object
    Column("memory", Text, nullable=False),
)

#: What each of the other nodes says of itself.
alert_nodes = Table(
    "alert_nodes",
    metadata,
    Column("node", String(128), primary_key=True),
    Column("at", BigInteger, nullable=False),
    #: JSON object
    Column("figures", Text, nullable=False),
)
