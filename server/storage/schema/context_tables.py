"""Tables of the context plane (context contract §1): what was said, whom it is about, and what is believed because of it.

Numbers of rows are random and of 63 bits. Windows are half-open; NULL: open.
"""

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text, text

from server.storage.schema.metadata import metadata

#: How often a tenant's context has changed; the row is what its writers wait for (docs/decisions/0046).
context_revisions = Table(
    "context_revisions",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

#: What a tenant has on record, retired facts too; and when it changed last, by a clock that never goes back.
context_totals = Table(
    "context_totals",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("changed_at", BigInteger, nullable=False),
    Column("facts", BigInteger, nullable=False),
    Column("claims", BigInteger, nullable=False),
    Column("entities", BigInteger, nullable=False),
    Column("content_bytes", BigInteger, nullable=False),
)

#: What a person has asserted that is still there.
context_person_totals = Table(
    "context_person_totals",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("added_by", BigInteger, primary_key=True, autoincrement=False),
    Column("claims", BigInteger, nullable=False),
    Column("content_bytes", BigInteger, nullable=False),
)

episodes = Table(
    "episodes",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("episode_id", BigInteger, primary_key=True, autoincrement=False),
    #: empty: everybody of the tenant
    Column("audience", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("content_hash", String(64), nullable=False),
    Column("kind", Text, nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("content", Text, nullable=False),
    #: a number made of who asserted it; 0: nobody's share
    Column("added_by", BigInteger, nullable=False, server_default="0"),
    Index("uq_episodes_source", "tenant_id", "audience", "source", "source_id", "content_hash", unique=True),
    Index("ix_episodes_source_id", "tenant_id", "source", "source_id"),
    Index("ix_episodes_occurred_at", "tenant_id", "source", "occurred_at"),
)

#: Which episodes a model has read, for tenants that want it.
extractions = Table(
    "extractions",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("episode_id", BigInteger, primary_key=True, autoincrement=False),
    #: done, failed, waiting
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("facts", Integer, nullable=False),
    Column("dropped", Integer, nullable=False),
    #: our words
    Column("reason", Text, nullable=False),
    Column("next_at", BigInteger),
)

entities = Table(
    "entities",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("entity_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("normal_name", Text, nullable=False),
    #: NULL: it stands for itself
    Column("merged_into", BigInteger),
    Index("ix_entities_name", "tenant_id", "normal_name", "kind"),
    Index("ix_entities_merged_into", "tenant_id", "merged_into", sqlite_where=text("merged_into IS NOT NULL")),
)

#: Several entities may share a weak key (a telephone number); one alone has a strong one, which whoever writes sees to.
entity_keys = Table(
    "entity_keys",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("key_kind", String(64), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("entity_id", BigInteger, primary_key=True, autoincrement=False),
    Index("ix_entity_keys_entity", "tenant_id", "entity_id"),
)

#: Every link there ever was: what was believed meanwhile stands under the other's number.
entity_links = Table(
    "entity_links",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("entity_id", BigInteger, primary_key=True, autoincrement=False),
    Column("linked_at", BigInteger, primary_key=True, autoincrement=False),
    Column("into_id", BigInteger, nullable=False),
    Column("linked_by", Text, nullable=False),
    Column("unlinked_at", BigInteger),
    Index("ix_entity_links_into", "tenant_id", "into_id"),
)

#: Entities that may be one, the smaller number first: what a model thinks, and what somebody decided.
identity_pairs = Table(
    "identity_pairs",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("one_id", BigInteger, primary_key=True, autoincrement=False),
    Column("other_id", BigInteger, primary_key=True, autoincrement=False),
    Column("similarity", Float, nullable=False),
    #: of the names, kinds and keys that a model is asked about; empty: of none that stand
    Column("content_hash", String(64), nullable=False),
    #: waiting, judged, failed; left: it is not asked about
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", BigInteger),
    Column("asked_at", BigInteger),
    #: same, different, unsure; empty: there is none
    Column("verdict", String(16), nullable=False),
    #: a model's words
    Column("reason", Text, nullable=False),
    Column("judged_by", Text, nullable=False),
    #: same, different; empty: nobody has decided
    Column("decision", String(16), nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("decided_at", BigInteger),
    Index("ix_identity_pairs_other", "tenant_id", "other_id"),
)

#: Up to which revision entities were compared.
identity_positions = Table(
    "identity_positions",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("claim_id", BigInteger, primary_key=True, autoincrement=False),
    Column("episode_id", BigInteger, nullable=False),
    Column("audience", Text, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("predicate", Text, nullable=False),
    Column("object_id", BigInteger),
    Column("value", Text),
    #: the object's number, or one that is made of the value
    Column("said", BigInteger, nullable=False),
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("confidence", Float, nullable=False),
    #: record, asserted, mapped, extracted
    Column("method", String(16), nullable=False),
    Column("occurred_at", BigInteger, nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    Column("withdrawn_at", BigInteger),
    #: where in the episode's content
    Column("start", BigInteger),
    Column("end", BigInteger),
    Column("added_by", BigInteger, nullable=False, server_default="0"),
    Index("ix_claims_group", "tenant_id", "subject_id", "predicate", "said"),
    Index("ix_claims_episode", "tenant_id", "episode_id"),
    Index("ix_claims_object", "tenant_id", "object_id", sqlite_where=text("object_id IS NOT NULL")),
)

facts = Table(
    "facts",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("fact_id", BigInteger, primary_key=True, autoincrement=False),
    Column("audience", Text, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("predicate", Text, nullable=False),
    Column("object_id", BigInteger),
    Column("value", Text),
    Column("said", BigInteger, nullable=False),
    Column("valid_from", BigInteger),
    Column("valid_to", BigInteger),
    Column("confidence", Float, nullable=False),
    Column("text", Text, nullable=False),
    #: believed, conflict
    Column("state", String(16), nullable=False),
    Column("recorded_at", BigInteger, nullable=False),
    #: NULL: believed now
    Column("retired_at", BigInteger),
    #: JSON list
    Column("claim_ids", Text, nullable=False),
    #: revision of the change that added or, later, retired it
    Column("changed_in", BigInteger, nullable=False),
    Index("ix_facts_group", "tenant_id", "subject_id", "predicate", "said"),
    Index("ix_facts_changed_in", "tenant_id", "changed_in"),
)

#: Facts that are forgotten: a number for the indexes that held them, and no word.
fact_tombstones = Table(
    "fact_tombstones",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("revision", BigInteger, primary_key=True, autoincrement=False),
    Column("fact_id", BigInteger, nullable=False),
    Column("gone_at", BigInteger, nullable=False),
    Index("ix_fact_tombstones_gone_at", "gone_at"),
)

#: Predicates that have one value at a time; whatever is not here has many.
predicates = Table(
    "predicates",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("name", Text, primary_key=True),
    #: one, many
    Column("cardinality", String(16), nullable=False),
)

#: What a rule made of the facts about a subject: which version of it, why, and by which facts.
signal_evaluations = Table(
    "signal_evaluations",
    metadata,
    Column("tenant_id", String(64), primary_key=True),
    Column("evaluation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("signal", Text, nullable=False),
    Column("rule_version", Text, nullable=False),
    Column("subject_id", BigInteger, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("score", Float, nullable=False),
    Column("reason", Text, nullable=False),
    #: JSON list
    Column("fact_ids", Text, nullable=False),
    Column("evaluated_at", BigInteger, nullable=False),
    Column("run_id", Text, nullable=False),
    Index("ix_signal_evaluations_subject", "tenant_id", "subject_id", "signal"),
)
