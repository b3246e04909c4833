"""Run by Alembic: bring a history to the newest revision, over the connection that `migrate` hands in."""

from alembic import context

from server.storage.history.tables import history_metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=history_metadata,
    transaction_per_migration=True,
    render_as_batch=True,
    version_table=context.config.attributes["version_table"],
)
with context.begin_transaction():
    context.run_migrations()
