"""What was found, as the few lines that a model reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from tools.builtins.shared_types import with_shared_types
from tools.builtins.siblings import group_of

#: of each result that was searched for: six of them, with their groups, stay within 450 tokens
CHARS_A_RESULT = 275
MAX_SUMMARY_CHARS = 100
MAX_EXAMPLE_CHARS = 160
_NOTHING = "nothing found; say it in other words, or without filters"
_LOW = "low confidence: nothing fits well; rephrase, or name the operation in ids"


def text_of(answer: Mapping[str, Any]) -> str:
    """Return the same answer as compact text: a signature, what it is for, and what stands in its way."""
    if "overview" in answer:
        return _map(answer)
    lines: list[str] = []
    searched = {entry["id"]: entry for entry in answer["results"] if "score" in entry}
    lines += [_entry(entry) for entry in answer["results"] if "score" not in entry]
    for one in answer.get("queries", ()):
        lines.append(f"# {one['query']}" + (f" (low confidence{_about(one)})" if one["low_confidence"] else ""))
        lines += _found([searched.pop(each, {"id": each, "signature": f"{each}: described above"}) for each in one["results"]], one)
        lines += [] if one["results"] else [_NOTHING]
    lines += _found(list(searched.values()), answer)
    for unknown in answer.get("unknown_providers", ()):
        near = ", ".join(unknown["did_you_mean"])
        lines.append(f"no provider '{unknown['provider']}'" + (f"; did you mean {near}?" if near else ""))
    if "unknown_providers" in answer:
        lines.append(f"providers: {', '.join(answer['providers'])}")
    elif "excluded" in answer:
        lines.append(answer["excluded"])
    elif not lines:
        lines.append(_NOTHING)
    lines = with_shared_types(lines)
    if answer["low_confidence"] and answer["results"]:
        lines.append(_LOW + _about(answer))
    if "remembered" in answer:
        lines.append(f"known about {', '.join(answer['remembered']['names'])}: ask {answer['remembered']['ask']}, also as of earlier days")
    if "next_cursor" in answer:
        lines.append(f"more with cursor {answer['next_cursor']}")
    if "hint" in answer:
        lines.append(answer["hint"])
    return "\n".join(lines)


def _about(answer: Mapping[str, Any]) -> str:
    """Return which words of the query nothing here is about, or nothing where every word is met."""
    unmet = " or ".join(f"'{word}'" for word in answer.get("unmet", ()))
    return f"; no operation here is about {unmet}" if unmet else ""


def way_on(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """Return how a person gets the accounts that are missing, or None where none is: nobody should take `needs_auth` for the end."""
    statuses = {entry["connection"]["status"] for entry in entries if "connection" in entry}
    waiting = [status for status in ("needs_auth", "missing_scope", "expired") if status in statuses]
    if not waiting:
        return None
    return f"{', '.join(waiting)}: call it all the same; the answer is a link where the person connects the account, then call again"


def _map(answer: Mapping[str, Any]) -> str:
    named = [
        f"{entry.get('provider') or entry.get('resource')} {entry['operations']}"
        + (f" ({entry['connection']})" if entry.get("connection") not in (None, "ready") else "")
        for entry in answer["overview"]
    ]
    what = "resources" if any("resource" in entry for entry in answer["overview"]) else "providers"
    more = f" · …+{answer['more']}" if "more" in answer else ""
    return f"{what} and their operations: {' · '.join(named)}{more}\nask with query: what is wanted in words, e.g. find a contact by name"


def _found(entries: Sequence[Mapping[str, Any]], among: Mapping[str, Any]) -> list[str]:
    """Return what a search found: each operation, what else its resource has, and the next resources by name alone."""
    groups = {each["group"]: _group(each) for each in among.get("groups", ())}
    left = CHARS_A_RESULT * len(entries) - sum(map(len, groups.values()))
    left -= sum(len(_entry(entry, is_short=True)) for entry in entries if "groups" in among)
    lines = []
    for at, entry in enumerate(entries):
        line = _entry(entry)
        if "groups" in among:
            short = _entry(entry, is_short=True)
            ways = [
                _entry(entry, with_example=not at),
                _entry(entry, with_example=False),
                _entry(entry, with_example=False, returns=False),
                short,
            ]
            line = next((each for each in ways if len(each) - len(short) <= left), short) if at else ways[0]
            left -= len(line) - len(short)
        lines.append(line)
        if (group := groups.pop(group_of(entry["id"]), None)) is not None:
            # The provider is said in the line above; a resource of our own has none.
            lines.append("  " + (group.partition(".")[2] or group))
    return lines + list(groups.values())


def _group(group: Mapping[str, Any]) -> str:
    more = f" · …+{group['more']}" if "more" in group else ""
    return f"{group['group']}: {' · '.join(group['operations'])}{more}"


def _entry(entry: Mapping[str, Any], *, is_short: bool = False, with_example: bool = True, returns: bool = True) -> str:
    if "error" in entry:
        near = ", ".join(entry.get("did_you_mean", ()))
        return f"{entry['id']}: no such operation" + (f"; did you mean {near}?" if near else "")
    head = entry["id"] if "input" in entry else entry.get("signature", entry["id"])
    if is_short and head.startswith(f"{entry['id']}("):
        head = entry["id"] + ("()" if head.startswith(f"{entry['id']}()") else "(…)")
    elif not returns:
        head = head.partition(") -> ")[0] + ")" if ") -> " in head else head
    score = f" [{entry['score']:.2f}]" if "score" in entry else ""
    lines = [f"{head}{score}"]
    notes = _notes(entry)
    summary = entry.get("summary", "")
    if "score" in entry and "input" not in entry and len(summary) > MAX_SUMMARY_CHARS:
        summary = summary[:MAX_SUMMARY_CHARS].rpartition(" ")[0] + " …"
    if summary or notes:
        lines.append("  " + " · ".join(part for part in [summary, *notes] if part))
    if (
        "example" in entry
        and with_example
        and not is_short
        and ("score" not in entry or "input" in entry or _says_something(entry["example"]))
    ):
        lines.append(f"  example {_json(entry['example'])}")
    if entry.get("description") and entry["description"] != entry.get("summary"):
        lines.append(f"  {entry['description']}")
    for member in ("input", "output"):
        if entry.get(member):
            lines.append(f"  {member}\n    " + entry[member].replace("\n", "\n    "))
    if "input_schema" in entry:
        lines += [f"  input {_json(entry['input_schema'])}"]
        lines += [f"  output {_json(entry['output_schema'])}"] if "output_schema" in entry else []
    if "left_out" in entry:
        lines.append(f"  schema {entry['left_out']}")
    return "\n".join(lines)


def _says_something(example: Any) -> bool:
    """Say whether an example is more than the types that a signature has, and short enough to stand beside it."""
    values = list(example.values()) if isinstance(example, Mapping) else [example]
    return any(value != "text" and not isinstance(value, bool | int) for value in values) and len(_json(example)) <= MAX_EXAMPLE_CHARS


def _notes(entry: Mapping[str, Any]) -> list[str]:
    notes = [entry["access"]] if "access" in entry else []
    if entry.get("confirm"):
        notes.append("asks for confirmation")
    if "paging" in entry:
        notes.append(f"pages by {entry['paging']}")
    if "needs_scopes" in entry:
        notes.append(f"token lacks {' '.join(entry['needs_scopes'])}")
    if entry.get("deprecated"):
        notes.append("deprecated")
    if (blocked := entry.get("blocked")) is not None:
        notes.append(f"blocked, cannot be called now: {blocked['reason']}; {blocked['way_out']}")
    connection = entry.get("connection")
    if connection is not None and ("score" not in entry or connection["status"] != "ready" or len(connection["accounts"]) > 1):
        accounts = f" ({', '.join(connection['accounts'])})" if connection["accounts"] else ""
        notes.append(f"{connection['provider']}: {connection['status']}{accounts}")
    return notes


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
