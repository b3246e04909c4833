"""What `ascend serve` loads before it is asked for anything (decision 0057)."""

import subprocess
import sys

UNASKED = {"webauthn", "rich", "sqlalchemy.dialects.postgresql", "tools.ai_gateway.dialects.pairs", "alembic"}


def test_a_start_loads_nothing_that_few_gateways_need() -> None:
    told = "import sys, server.commands.serve; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, check=True, text=True, timeout=60).stdout.split()
    assert "server.app" in loaded
    assert UNASKED.isdisjoint(loaded)
