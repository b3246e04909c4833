"""A migration expands; whoever contracts says since which version nobody reads it (docs/guides/upgrading.md)."""

import pytest

from server.storage.migrate import HISTORY, STATE, Migrations
from tests.house.migration_rules import taken_away

ADDED = 'op.add_column("t", sa.Column("c", sa.Text{more}))'


@pytest.mark.parametrize("migrations", [STATE, HISTORY], ids=["store", "history"])
def test_a_step_takes_nothing_away_that_the_version_before_reads(migrations: Migrations) -> None:
    """Unless it says `WORKS_WITH = "NNNN"`: the revision of the first code that does not read it any more, an earlier one."""
    faults = {}
    for name in migrations.names():
        source = (migrations.folder / "versions" / f"{name}.py").read_text(encoding="utf-8")
        if name[1:5] > migrations.works_with and "\nWORKS_WITH = " not in source and (taken := taken_away(source)):
            faults[name] = taken
    assert not faults
    assert migrations.works_with <= migrations.still_works() <= migrations.newest()


@pytest.mark.parametrize(
    ("statement", "is_taken"),
    [
        ('op.drop_column("t", "c")', True),
        ('op.drop_table("t")', True),
        ('op.rename_table("t", "u")', True),
        ('op.alter_column("t", "c", new_column_name="d")', True),
        ('op.alter_column("t", "c", nullable=False)', True),
        ('op.alter_column("t", "c", nullable=True)', False),
        ('op.execute("ALTER TABLE t DROP COLUMN c")', True),
        ('op.execute(sa.text("alter table t rename to u"))', True),
        ('op.execute("UPDATE t SET c = 1")', False),
        ('op.create_index("i", "t", ["c"], unique=True)', True),
        ('op.create_index("i", "t", ["c"])', False),
        ('op.create_table("u", sa.Column("c", sa.Text, nullable=False)); op.create_index("i", "u", ["c"], unique=True)', False),
        ('with op.batch_alter_table("t") as batch: batch.drop_column("c")', True),
        (ADDED.format(more=", nullable=False"), True),
        (ADDED.format(more=', nullable=False, server_default=""'), False),
        (ADDED.format(more=""), False),
    ],
)
def test_what_takes_something_away_is_known(statement: str, is_taken: bool) -> None:
    source = f"def upgrade():\n    {statement}\n\n\ndef downgrade():\n    op.drop_table('x')\n"
    assert bool(taken_away(source)) == is_taken
