"""What a shared schema was converted to, kept for the next operation that refers to it."""

from dataclasses import dataclass, field

from tools.operation import Json


@dataclass(slots=True)
class Converted:
    """One entry of `$defs`, whole, and what came up while it was converted. Nobody changes `schema` in place."""

    schema: Json = None
    nodes: int = 0
    #: what it refers to: (reference, is it the plain form that a subtype extends)
    references: list[tuple[str, bool]] = field(default_factory=list)
    #: (name under $defs, member, values of it that mean this branch)
    meanings: list[tuple[str, str, list[Json]]] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    has_choices: bool = False


@dataclass(slots=True)
class ConvertedSchemas:
    """The conversions of one document, and the names that its references have under `$defs`."""

    by_key: dict[tuple[str, str, bool], Converted] = field(default_factory=dict)
    name_by_ref: dict[tuple[str, bool], str] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
