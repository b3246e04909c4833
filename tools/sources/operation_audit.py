"""Where an operation's name or tier says something else than its method and its document do."""

from tools.catalog.operation_names import done_by
from tools.catalog.sentences import first_sentence
from tools.catalog.verbs import LOOKING, changes, leads_of, removes
from tools.operation import Operation
from tools.sources.mcp.access import TIERS
from tools.sources.openapi.access import SAFE_METHODS, access_of


def misfits_of(operation: Operation) -> list[str]:
    """Return what is wrong, a sentence each: a DELETE that removes nothing, a read that writes, a tier below what the words say.

    A tier that an overlay set is the operator's own word and stays.
    """
    if operation.kind == "builtin":
        return []
    verb = operation.id.rpartition(".")[2]
    done = done_by(verb)
    found = []
    if operation.access == "read" and changes(done):
        found.append(f"it reads, and its last word '{verb}' changes something")
    if operation.kind != "openapi":
        return found
    method = str(operation.binding["method"]).lower()
    if method == "delete" and not removes(done):
        found.append(f"it is a DELETE, and its last word '{verb}' removes nothing")
    if not operation.binding.get("tier_given"):
        texts = (operation.summary, first_sentence(operation.description))
        path = str(operation.binding["path"])
        wanted = access_of(method, verb, None, path, texts, operation.input_schema.get("properties", {}))
        if TIERS.index(wanted) > TIERS.index(operation.access):
            found.append(f"its tier is {operation.access}, and its words say {wanted}: {operation.summary}")
        elif method in SAFE_METHODS and operation.access != "read" and LOOKING.intersection(leads_of(operation.summary)[:1]):
            found.append(f"its tier is {operation.access}, and its words say read: {operation.summary}")
    return found
