"""What a document defines: a workflow whose steps are a plan, in the words of batch_execute, over what its run was given."""

import hashlib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Final

from tools.always_on import BATCH_EXECUTE
from tools.dispatch.arguments import MAX_FAULTS, compile_schema
from tools.json_schema.argument_faults import Fault, fault_of
from tools.json_text import canonical
from tools.operation import Json
from tools.plans.plan import Plan, PlanFault, parse_plan
from tools.workflows.declared.document import Document, path_in, read_document
from tools.workflows.declared.errors import DefinitionFault, DefinitionInvalid
from tools.workflows.run import Retry
from tools.workflows.workflow import is_workflow_name

#: the name under which references find what the run was given
INPUT: Final = "input"
DEFAULT_PARALLEL = 8
#: a call that fails for a while is no reason to end a run that nobody watches
DEFAULT_RETRY = Retry(attempts=5, first_s=1.0, longest_s=60.0)


def _steps_schema() -> dict[str, Any]:
    steps: dict[str, Any] = deepcopy(BATCH_EXECUTE.input_schema["properties"]["steps"])
    # A run gives each of its calls a key of its own.
    del steps["items"]["properties"]["idempotency_key"]
    return steps


SCHEMA: Final[Mapping[str, Json]] = {
    "type": "object",
    "properties": {
        "workflow": {"type": "string", "minLength": 1, "maxLength": 64},
        "title": {"type": "string", "maxLength": 200},
        INPUT: {"type": "object"},
        "retry": {
            "type": "object",
            "properties": {
                "attempts": {"type": "integer", "minimum": 1, "maximum": 100},
                "first_s": {"type": "number", "minimum": 0.1, "maximum": 3_600},
                "longest_s": {"type": "number", "minimum": 0.1, "maximum": 86_400},
            },
            "additionalProperties": False,
        },
        "max_parallel": {"type": "integer", "minimum": 1, "maximum": 16},
        "allow": {"enum": ["destructive"]},
        "schedule": {
            "type": "object",
            "properties": {"cron": {"type": "string"}, "zone": {"type": "string"}, "given": {"type": "object"}},
            "required": ["cron"],
            "additionalProperties": False,
        },
        "steps": _steps_schema(),
        "return": {"type": "string"},
    },
    "required": ["workflow", "steps"],
    "additionalProperties": False,
}


@dataclass(frozen=True, slots=True)
class DefinedSchedule:
    """`cron`: five fields or a short form like @daily."""

    cron: str
    zone: str = "UTC"
    given: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Definition:
    """A definition of the right form; what it says of operations is checked elsewhere (checking.py)."""

    name: str
    title: str
    plan: Plan
    retry: Retry
    max_parallel: int
    allows_destructive: bool
    #: None: any object
    input_schema: Mapping[str, Json] | None
    source: Mapping[str, Json] = field(repr=False)
    #: when it is started, and what its run is given then
    schedule: DefinedSchedule | None = None
    #: what is wrong with the plan's form; None of it hides what is wrong with its operations
    form_faults: tuple[PlanFault, ...] = ()

    @property
    def content_hash(self) -> str:
        return hashlib.sha256(canonical(self.source)).hexdigest()


def read_definition(raw: bytes) -> tuple[Definition, Document]:
    """Return what a document defines, and the document for its lines. Raises DefinitionInvalid for what is not of the right form."""
    document = read_document(raw)
    faults = list(_faults(document))
    if faults:
        raise DefinitionInvalid(faults)
    return definition_of(document.value), document


def definition_of(source: Mapping[str, Json]) -> Definition:
    """Return the definition of a document of the right form."""
    schema = source.get(INPUT)
    plan, faults = parse_plan(source, frozenset({INPUT}))
    return Definition(
        name=source["workflow"],
        title=source.get("title", ""),
        plan=plan,
        retry=Retry(**{**_members(DEFAULT_RETRY), **source.get("retry", {})}),
        max_parallel=source.get("max_parallel", DEFAULT_PARALLEL),
        allows_destructive=source.get("allow") == "destructive",
        input_schema=None if schema is None else {"type": "object", **schema},
        source=source,
        schedule=DefinedSchedule(**source["schedule"]) if "schedule" in source else None,
        form_faults=tuple(faults),
    )


def _faults(document: Document) -> Iterator[DefinitionFault]:
    value = document.value
    if not isinstance(value, Mapping):
        yield DefinitionFault("", "it is no object; write `workflow: NAME` and `steps:`", document.line_of(()))
        return
    for fault in _form_faults(value):
        place = fault.path.removeprefix("arguments").removeprefix(".")
        said = fault.message.replace("arguments.", "").replace(" is not an argument;", " is no member;").removeprefix(f"{place}: ")
        yield DefinitionFault(place, said.removeprefix(f"{place} "), document.line_of(path_in(place)))
    name = value.get("workflow")
    if isinstance(name, str) and name and not is_workflow_name(name):
        rule = "up to 64 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit"
        yield DefinitionFault("workflow", f"{name[:64]!r} is no name of a workflow: {rule}", document.line_of(("workflow",)))
    schema = value.get(INPUT)
    if isinstance(schema, Mapping) and (schema.get("type", "object") != "object" or compile_schema({"type": "object", **schema}) is None):
        rule = "is no JSON Schema of an object; write `properties:` with a type for each member"
        yield DefinitionFault(INPUT, rule, document.line_of((INPUT,)))


def _form_faults(value: Mapping[str, Json]) -> Iterator[Fault]:
    """Yield what is wrong with the form of a whole document, however long: whoever applies it waits for that alone."""
    validator = compile_schema(SCHEMA)
    assert validator is not None
    for error in islice(validator.iter_errors(value), MAX_FAULTS):
        yield fault_of(error, SCHEMA)


def _members(retry: Retry) -> dict[str, Any]:
    return {"attempts": retry.attempts, "first_s": retry.first_s, "longest_s": retry.longest_s}
