"""The words that say what an operation does, as APIs use them."""

import re

_VERBS = """
get list create update delete search find add remove set send upload download start stop cancel archive unarchive restore copy move merge
revoke refresh query export import enable disable approve deny reject accept open close activate deactivate invite join leave publish
unpublish lock unlock sync validate verify test check count assign unassign attach detach link unlink subscribe unsubscribe replace patch
put post execute run trigger submit complete commit abort transfer convert render preview resend reset rename rotate watch unwatch follow
unfollow star unstar pin unpin mute unmute authorize upsert lookup batch bulk purge generate pause resume retry schedule share mark apply
clone fork ask extract confirm decline reopen resolve terminate capture refund void finalize pay promote
invalidate acknowledge suspend escalate login logout trim sign claim ban unban block unblock reply react forward redeem authenticate
associate disassociate register deregister notify provision tag untag
"""
_NOUNS_TOO = """
upload download export import batch test check share query search link schedule copy transfer set watch run count pin star mark index bulk
view open post put match review set show sign claim pay block reply reset tag stop start
"""
VERBS = frozenset(_VERBS.split())
#: verbs that begin the names of things as well: `upload_sessions`, `test_runs`
NOUNS_TOO = frozenset(_NOUNS_TOO.split())
#: verbs as APIs write them -> the verb in our names
VERB_BY_WORD = {
    **{word: word for word in sorted(VERBS)},
    "fetch": "get",
    "read": "get",
    "retrieve": "get",
    "show": "get",
    "describe": "get",
    "view": "get",
    "index": "list",
    "browse": "list",
    "destroy": "delete",
    "edit": "update",
    "modify": "update",
    "insert": "create",
    "new": "create",
}

METHODS = frozenset({"get", "patch", "put", "post", "delete", "head", "options", "trace"})


def words_of(name: str) -> list[str]:
    """Return the lower-case words of a snake_case, kebab-case, dotted, camelCase or HTTPServerName name."""
    spaced = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    spaced = re.sub(r"(?<=[a-z\d])(?=[A-Z])", " ", spaced)
    return [word.lower() for word in re.split(r"[^A-Za-z0-9]+", spaced) if word]


def snake(name: str) -> str:
    return "_".join(words_of(name))


def spoken_in(operation_id: str) -> list[list[str]]:
    """Return the words of an operationId in its parts: `actions/get-workflow-run` and `Workflow_GetRun` have two.

    What generators add is left out: `…UsingGET`, and a method in front of a verb (`POST_CreateImage`).
    """
    plain = re.sub(r"(Using|_)(GET|POST|PUT|PATCH|DELETE)$", "", operation_id)
    parts = [words for part in re.split(r"[/._:]+", plain) if (words := words_of(part))]
    is_repeated = len(parts) > 1 and parts[0][0] in METHODS and len(parts[0]) == 1 and parts[1][0] in VERB_BY_WORD
    return parts[1:] if is_repeated else parts
