"""What gateways are called: each name is its tenant's own, so that nobody can tell what others have from what is taken."""


def name_of(key: str) -> str:
    """Return what its tenant calls a gateway whose entry has this key: `agents`, or `acme/agents` beside another tenant's `agents`."""
    return key.rpartition("/")[2]
