"""How every connection to PostgreSQL is set up: how long it waits for what, and when it is given up."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, event, make_url
from sqlalchemy.engine import ExceptionContext

from server.config.settings import Settings

#: A server that vanished without a word is noticed in half a minute, not in the hours that TCP allows. The URL may say otherwise.
POSTGRES_PATIENCE = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
#: how long a request waits for a connection of the pool
POOL_WAIT_S = 10.0
#: PostgreSQL appendix A: a server that takes no writes any more (it was replaced by another), or is going down
_GIVEN_UP = frozenset({"25006", "57P01", "57P02", "57P03"})


@dataclass(frozen=True, slots=True)
class PostgresLimits:
    """Of one process: how many connections requests share, and how long one of them may hold up others. A time of 0: without end."""

    pool_size: int = 16
    statement_timeout_s: float = 120.0
    lock_timeout_s: float = 10.0
    idle_in_transaction_timeout_s: float = 300.0

    @property
    def statements(self) -> tuple[str, ...]:
        """What each connection is told when it is made. Not as options of the connection: poolers refuse those."""
        times = (
            ("statement_timeout", self.statement_timeout_s),
            ("lock_timeout", self.lock_timeout_s),
            ("idle_in_transaction_session_timeout", self.idle_in_transaction_timeout_s),
        )
        return tuple(f"SET {name} = {round(seconds * 1_000)}" for name, seconds in times)


def limits_of(settings: Settings) -> PostgresLimits:
    """Return what an operator sets."""
    said = settings.store
    return PostgresLimits(
        said.database_pool_size, said.database_statement_timeout_s, said.database_lock_timeout_s, said.database_idle_timeout_s
    )


def patience_of(url: str) -> dict[str, int]:
    return {name: value for name, value in POSTGRES_PATIENCE.items() if name not in make_url(url).query}


def configure_postgres(engine: Engine, limits: PostgresLimits) -> None:
    """Have every connection of `engine` keep to `limits`, and all of them made anew where the server is none that takes writes."""

    def configure(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for statement in limits.statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    def judge(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) in _GIVEN_UP:
            context.is_disconnect = True

    event.listen(engine, "connect", configure)
    event.listen(engine, "handle_error", judge)
