"""What a token permits: `mcp` to connect and discover, `<provider>:<access>` and the umbrella `mcp:<access>` to run operations."""

from collections.abc import Iterable

CONNECT = "mcp"
OFFLINE = "offline_access"
#: to call models: money is spent
MODELS = "llm:write"
#: all scopes of the AI gateway, whatever is imported
OF_MODELS = frozenset({"llm:read", MODELS})
#: of tokens for the administration alone; no application can ask for it
ADMIN = "admin"
UMBRELLAS = ("mcp:read", "mcp:write", "mcp:destructive")
BASELINE = ("mcp", "mcp:read")


def parse(text: str) -> tuple[str, ...]:
    """Return the scope tokens of `text` in order, each once (RFC 6749 §3.3)."""
    return tuple(dict.fromkeys(text.split()))


def render(scopes: Iterable[str]) -> str:
    """Return `scopes` as one string, sorted so that equal sets read alike."""
    return " ".join(sorted(scopes))


def umbrella_of(scope: str) -> str:
    """Return the umbrella scope of the tier that `scope` names: `crm:read` belongs to `mcp:read`."""
    return f"mcp:{scope.rpartition(':')[2]}"


def permitting(required: str) -> frozenset[str]:
    """Return the scopes of which each allows `required`: itself, and the umbrella of its tier."""
    return frozenset((required, umbrella_of(required)))


def permits(granted: frozenset[str], required: str) -> bool:
    """Say whether `granted` allows `required`, directly or by the umbrella of its tier."""
    return not granted.isdisjoint(permitting(required))
