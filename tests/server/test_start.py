"""What `ascend serve` loads before it is asked for anything (decision 0059), read from the imports at the top of files."""

import ast
from collections.abc import Iterator

from tests.conftest import REPOSITORY
from tests.test_shape import PACKAGES, sources, tree_of

UNASKED = {
    "webauthn",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "alembic",
    "aiohttp.web",
    "tools.ai_gateway.dialects.pairs",
    "tools.workflows.ingestion.reader",
}
#: begins with the demo only
OF_THE_DEMO = "server.demo"


def test_a_start_loads_nothing_that_few_gateways_need() -> None:
    """To load what few need made a tenth of the time to start, and 10 MB."""
    loaded: set[str] = set()
    ahead = ["server.commands.serve"]
    while ahead:
        module = ahead.pop()
        if module not in loaded and not module.startswith(OF_THE_DEMO):
            loaded.add(module)
            ahead += imported_by(module)
    assert {"server.app", "tools.ai_gateway.calls", "sqlalchemy"} <= loaded
    assert UNASKED.isdisjoint(loaded)


def test_no_table_names_a_condition_of_postgresql() -> None:
    """SQLAlchemy loads the dialect of every keyword that a table or an index has; PostgreSQL's indexes are made by the migrations."""
    schema = [path for path in sources() if "server/storage" in str(path) and "migrations" not in path.parts]
    assert schema
    assert [path.name for path in schema if "postgresql_where" in path.read_text(encoding="utf-8")] == []


def imported_by(module: str) -> Iterator[str]:
    """Yield what the top of a file of ours imports; of an import under TYPE_CHECKING or in a function nothing is loaded."""
    path = (REPOSITORY / module.replace(".", "/")).with_suffix(".py")
    if module.partition(".")[0] not in PACKAGES or not path.is_file():
        return
    for node in tree_of(path).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
