"""How arguments name whom a fact is about: a name, an id, or an object of kind, name and keys."""

from collections.abc import Mapping

from tools.context_plane.arguments.reader import Reader
from tools.context_plane.identity.keys import NAME_IN_SOURCE, Key, Mention, normal_key
from tools.context_plane.ids import ENTITY, id_number
from tools.operation import Json

MAX_NAME_CHARS, MAX_KIND_CHARS, MAX_KEYS, MAX_KEY_KIND_CHARS, MAX_KEY_CHARS = 300, 64, 20, 64, 300
EXAMPLE = {"kind": "account", "name": "Kahuna", "keys": {"salesforce": "0015g00000XyZ12AAB"}}


def mention_of(reader: Reader, path: str, value: Json) -> Mention:
    """Read a subject or an object.

    "Kahuna": whoever alone bears the name, or a new thing. "ent_…": that entity. {kind, name, keys}: of that kind, found by one of its
    keys (record id, email, alias …) or by its name; people by their keys. `keys`: {kind: key, or a list of them}.
    """
    if isinstance(value, str):
        text = reader.line(path, value, MAX_NAME_CHARS, example="Kahuna", is_needed=True)
        number = id_number(ENTITY, text)
        return Mention(name=text) if number is None else Mention(entity_id=number)
    if not isinstance(value, Mapping):
        reader.fault(path, value, "is missing" if value is None else "is neither a name, an id (ent_…) nor {kind, name, keys}", EXAMPLE)
        return Mention()
    members = reader.members(path, value, ("id", "kind", "name", "keys"))
    if members.get("id") is not None:
        number = id_number(ENTITY, reader.line(f"{path}.id", members["id"], MAX_NAME_CHARS))
        # An id that is none names nobody, like one that is gone.
        return Mention(entity_id=number or 0)
    keys = _keys(reader, f"{path}.keys", members.get("keys"))
    name = reader.line(f"{path}.name", members.get("name"), MAX_NAME_CHARS, example="Kahuna", is_needed=not keys)
    kind = reader.line(f"{path}.kind", members.get("kind"), MAX_KIND_CHARS).casefold()
    return Mention(name=name, kind=kind, keys=keys)


def _keys(reader: Reader, path: str, value: Json) -> tuple[Key, ...]:
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        reader.fault(path, value, "is no object of keys", EXAMPLE["keys"])
        return ()
    keys: dict[Key, None] = {}
    for given_kind, given in value.items():
        # Some letters grow when their case is folded.
        kind = reader.line(path, str(given_kind).casefold(), MAX_KEY_KIND_CHARS, is_needed=True)
        for each in given if isinstance(given, list) else [given]:
            key = reader.line(f"{path}.{kind}", each, MAX_KEY_CHARS, is_needed=True)
            keys[(kind, normal_key(kind, key))] = None
        if kind == NAME_IN_SOURCE:
            reader.fault(f"{path}.{kind}", None, "is a key that the gateway makes itself")
    if len(keys) > MAX_KEYS:
        reader.fault(path, len(keys), f"are more than {MAX_KEYS} keys")
    return tuple(sorted(key for key in keys if key[1]))
