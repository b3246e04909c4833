"""The words that say what an operation does, as APIs use them."""

import re

_VERBS = """
get list create update delete search find add remove set send upload download start stop cancel archive unarchive restore copy move merge
revoke refresh query export import enable disable approve deny reject accept open close activate deactivate invite join leave publish
unpublish lock unlock sync validate verify test check count assign unassign attach detach link unlink subscribe unsubscribe replace patch
put post execute run trigger submit complete commit abort transfer convert render preview resend reset rename rotate watch unwatch follow
unfollow star unstar pin unpin mute unmute authorize upsert lookup batch bulk purge generate pause resume retry schedule share mark apply
clone fork ask extract confirm decline reopen resolve terminate capture refund void finalize pay promote
invalidate acknowledge suspend escalate disburse withdraw login logout trim
sign claim ban unban block unblock reply react forward redeem authenticate
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


def singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("ses", "xes", "ches", "shes")):
        return word[:-2]
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def spoken_in(operation_id: str) -> list[list[str]]:
    """Return the words of an operationId in its parts: `actions/get-workflow-run` and `Workflow_GetRun` have two.

    What generators add is left out: `…UsingGET`, and a method in front of a verb (`POST_CreateImage`).
    """
    plain = re.sub(r"(Using|_)(GET|POST|PUT|PATCH|DELETE)$", "", operation_id)
    parts = [words for part in re.split(r"[/._:]+", plain) if (words := words_of(part))]
    is_repeated = len(parts) > 1 and len(parts[0]) == 1 and repeats_method(parts[0][0], parts[1][0], plain[:3].isupper())
    return parts[1:] if is_repeated else parts


def repeats_method(first: str, second: str, is_capital: bool = False) -> bool:
    """Say whether the first word of a name is only its method: of `post_create` and `GET_DeleteUser`, not of `delete_pin`."""
    if first not in METHODS or second not in VERB_BY_WORD:
        return False
    if is_capital:
        return True
    return removes(second) if first == "delete" else second in LOOKING if first == "get" else True


#: what a DELETE does, whatever it is done to; `un…` of another verb does it as well
_REMOVALS = """
delete remove destroy purge erase wipe clear revoke terminate uninstall cancel prune discard expunge drop kick kill leave detach
disassociate deregister disconnect deprovision disable deactivate invalidate void withdraw dismiss expire truncate logout
"""
REMOVALS = frozenset(_REMOVALS.split())
#: verbs of what only looks, beside those of names
_LOOKING = """
get list search find count check fetch read retrieve show describe view download query lookup export test validate verify preview browse
info history exists watch render compare head options return index ask extract
"""
LOOKING = frozenset(_LOOKING.split())
#: how descriptions begin before they come to the verb: "Use this endpoint to delete …", "This operation deletes …"
_SUBJECT = r"(?:endpoint|operation|method|api|request|call)"
_LEAD_IN = re.compile(
    r"(?:\W*(?:\[[^\]]{1,20}\]|\([^)]{1,20}\)))*\W*"
    r"(?:(?:use|call)\b[^.]{0,80}?\bto\s+"
    rf"|(?:this|the)\s+[^.]{{0,60}}?\b{_SUBJECT}\s+(?:is used to\s+|will\s+|can\s+)?"
    rf"|{_SUBJECT}\s+(?:that|to)\s+)?"
    r"(?:(?:allows?|lets?|enables?)\s+(?:you|users?|clients?|callers?|the \w+)\s+(?:to\s+)?)?"
    r"(?:(?:permanently|irreversibly|immediately|completely|safely|temporarily|asynchronously|partially|bulk|batch)\s+)*",
    re.IGNORECASE,
)
_JOINED = re.compile(r"[^\W\d_]+|[,/&]")
_MAX_LEAD_CHARS = 240


def removes(word: str) -> bool:
    """Say whether a verb takes something away: `delete`, `unpin`."""
    return word in REMOVALS or (word.startswith("un") and word[2:] in VERBS)


def changes(word: str) -> bool:
    """Say whether a verb does more than look."""
    return (word in VERB_BY_WORD or word in REMOVALS) and word not in LOOKING


def base_of(word: str) -> str:
    """Return the form in which a verb stands in names: `deletes` -> delete, `publishes` -> publish; other words stay."""
    word = word.lower()
    forms = (word, word[:-1] if word.endswith("s") else word, word[:-2] if word.endswith("es") else word)
    return next((form for form in forms if form in VERB_BY_WORD or form in REMOVALS or form in LOOKING), word)


def leads_of(text: str) -> list[str]:
    """Return the verbs with which a description begins, in the form that names have: `Creates or updates a node` -> create, update."""
    text = text[:_MAX_LEAD_CHARS]
    lead_in = _LEAD_IN.match(text)
    leads: list[str] = []
    is_awaited = True
    for word in _JOINED.findall(text, lead_in.end() if lead_in else 0):
        if word in ",/&" or word.lower() in ("or", "and"):
            is_awaited = True
        elif is_awaited and (verb := base_of(word)) in VERB_BY_WORD.keys() | REMOVALS | LOOKING:
            leads.append(verb)
            is_awaited = False
        else:
            break
    return leads
