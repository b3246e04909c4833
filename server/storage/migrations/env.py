"""Run by Alembic: bring a store to the newest revision, over the connection that `migrate` hands in."""

from alembic import context

from server.storage.schema.all_tables import STATE

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=STATE,
    transaction_per_migration=True,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
