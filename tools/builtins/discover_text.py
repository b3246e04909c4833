"""What was found, as the few lines that a model reads."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson


def text_of(answer: Mapping[str, Any]) -> str:
    """Return the same answer as compact text: a signature, what it is for, and what stands in its way."""
    lines = [_entry(entry) for entry in answer["results"]] or ["nothing found; say it in other words, or without filters"]
    if answer["low_confidence"]:
        lines.append("low confidence: nothing fits well; rephrase, or name the operation in ids")
    if "next_cursor" in answer:
        lines.append(f"more with cursor {answer['next_cursor']}")
    if "hint" in answer:
        lines.append(answer["hint"])
    return "\n".join(lines)


def way_on(entries: Sequence[Mapping[str, Any]]) -> str | None:
    """Return how a person gets the accounts that are missing, or None where none is: nobody should take `needs_auth` for the end."""
    statuses = {entry["connection"]["status"] for entry in entries if "connection" in entry}
    waiting = [status for status in ("needs_auth", "missing_scope", "expired") if status in statuses]
    if not waiting:
        return None
    return f"{', '.join(waiting)}: call it all the same; the answer is a link where the person connects the account, then call again"


def _entry(entry: Mapping[str, Any]) -> str:
    if "error" in entry:
        near = ", ".join(entry.get("did_you_mean", ()))
        return f"{entry['id']}: no such operation" + (f"; did you mean {near}?" if near else "")
    head = entry["id"] if "input" in entry else entry.get("signature", entry["id"])
    score = f" [{entry['score']:.2f}]" if "score" in entry else ""
    lines = [f"{head}{score}"]
    notes = _notes(entry)
    if entry.get("summary") or notes:
        lines.append("  " + " · ".join(part for part in [entry.get("summary", ""), *notes] if part))
    if "example" in entry:
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
    if connection is not None:
        accounts = f" ({', '.join(connection['accounts'])})" if connection["accounts"] else ""
        notes.append(f"{connection['provider']}: {connection['status']}{accounts}")
    return notes


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
