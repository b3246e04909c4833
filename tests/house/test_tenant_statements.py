"""Every statement on tenant data names the tenant, or stands in the list below with its reason."""

import ast
from pathlib import Path

from server.storage.schema.all_tables import STATE
from tests.conftest import REPOSITORY

HASH = "the row is found by the hash of a secret that only its owner holds"
SWEEP = "removes what has expired, of all tenants"
SNAPSHOT = "fills the process's snapshot, which keeps tenants apart"
MINE = "the condition `_mine` names tenant and subject"
CLIENT = "OAuth clients belong to the whole authorization server; their grants name the tenant"
AS_IT_WAS = "the condition `_as_it_was` names tenant and schedule"
COUNTER = "the name of a counter is a hash of whose it is, that of a reservation random; both come from the process that made them"
MACHINE = "nobody is known yet: a machine is found by its random id, and what is found names its tenant"
EXEMPT = {
    ("services.py", "of"): MACHINE,
    ("invites.py", "find"): HASH,
    ("invites.py", "sweep"): SWEEP,
    (
        "passkeys.py",
        "find_counting",
    ): "a credential id is unique across tenants; whoever holds its key proves it, and the row names the tenant",
    ("people.py", "_everybody"): "its callers add whose people; of all only for whoever reaches every tenant",
    ("sessions.py", "seen"): HASH,
    ("sessions.py", "end"): HASH,
    ("sessions.py", "sweep"): SWEEP,
    ("budgets.py", "_open"): COUNTER,
    ("budgets.py", "_release"): COUNTER,
    ("budgets.py", "release"): COUNTER,
    ("budgets.py", "release_expired"): SWEEP,
    ("caller_keys.py", "load"): SNAPSHOT,
    ("change_position.py", "begin"): "where the feed of all tenants ends now",
    ("change_feed.py", "sweep"): SWEEP,
    ("kept_calls.py", "finish"): MINE,
    ("shipped_rows.py", "_audit_rows"): "log sinks are the operator's, and take the rows of all tenants: the chain is one",
    ("kept_calls.py", "abandon"): MINE,
    ("clients.py", "find"): CLIENT,
    ("clients.py", "found"): CLIENT,
    ("clients.py", "read"): CLIENT,
    ("clients.py", "used"): CLIENT,
    ("clients.py", "remove"): CLIENT,
    ("clients.py", "all"): CLIENT,
    ("connect_flows.py", "get"): HASH,
    ("connect_flows.py", "start"): HASH,
    ("connect_flows.py", "take"): HASH,
    ("connect_flows.py", "taken"): HASH,
    ("connect_flows.py", "finish"): HASH,
    ("connections.py", "load"): SNAPSHOT,
    ("connections.py", "earliest_expiry"): "one number for the metrics, of all tenants",
    ("grants.py", "_grants"): "its callers hand in the condition, which names the tenant or the client to be removed",
    ("moving.py", "_delete"): "calls of all tenants move to the history, in the order of their numbers",
    ("reading.py", "_verified"): "the chain is one, of all tenants",
    ("reading.py", "_swept"): SWEEP,
    ("tasks.py", "load"): "the condition `_own` names tenant, subject and client",
    ("tasks.py", "renew"): "a process says of all that it runs that it is alive; nothing is read",
    ("share_links.py", "of_token"): HASH,
    ("share_links.py", "sweep"): SWEEP,
    ("static_tokens.py", "find"): HASH,
    ("static_tokens.py", "count"): HASH,
    ("schedules.py", "begin"): AS_IT_WAS,
    ("schedules.py", "work"): AS_IT_WAS,
    ("schedules.py", "move"): AS_IT_WAS,
}


def functions_without_a_tenant() -> set[tuple[str, str]]:
    tables = {name for name, table in STATE.tables.items() if {"tenant_id", "tenant"} & set(table.c.keys())}
    assert len(tables) > 20
    found = set()
    for path in sorted((REPOSITORY / "server" / "storage").rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        for function in ast.walk(ast.parse(source)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) and touches(function, tables):
                text = ast.get_source_segment(source, function) or ""
                if "tenant" not in text:
                    found.add((Path(path).name, function.name))
    return found


def touches(function: ast.FunctionDef | ast.AsyncFunctionDef, tables: set[str]) -> bool:
    """Say whether `function` selects, updates or deletes rows of one of `tables`."""
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name))
    statements = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ("select", "update", "delete"))
    named = {name.id for call in statements for part in call.args for name in ast.walk(part) if isinstance(name, ast.Name)}
    return bool(named & tables)


def test_every_statement_on_tenant_data_names_the_tenant() -> None:
    """Architecture, rule 2: isolation can be read in one folder."""
    assert functions_without_a_tenant() - set(EXEMPT) == set()


def test_no_exemption_is_left_over() -> None:
    """An exemption whose statement names the tenant by now, or is gone, would hide the next one of that name."""
    assert set(EXEMPT) - functions_without_a_tenant() == set()
