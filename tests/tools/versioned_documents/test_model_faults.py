"""Faults of a document stand where the document has them, in words, whatever the model looks like inside."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import orjson
import pytest
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from tools.versioned_documents.model_faults import faults_in


@dataclass(frozen=True, slots=True)
class Chat:
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    kind: Literal["chat"]
    room: str


@dataclass(frozen=True, slots=True)
class Mail:
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    kind: Literal["mail"]
    to: Annotated[tuple[str, ...], Field(min_length=1)]
    port: Annotated[int, Field(gt=0, lt=65_536)] | None = None


@dataclass(frozen=True, slots=True)
class Section:
    __pydantic_config__ = ConfigDict(extra="forbid", strict=True)
    sinks: Mapping[str, Annotated[Chat | Mail, Field(discriminator="kind")]] = field(default_factory=dict)
    level: Literal["low", "high"] = "low"
    steps: tuple[Mail, ...] = ()


ADAPTER = TypeAdapter(Section)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"sinks": {"ops": {"kind": "chat", "rom": "a", "room": "b"}}}, "s.sinks.ops.rom: no such name; did you mean 'room'?"),
        ({"sinks": {"chat": {"kind": "chat", "room": 3}}}, "s.sinks.chat.room: must be a text"),
        ({"sinks": {"ops": {"kind": "chad", "room": "b"}}}, "s.sinks.ops: its kind is none of 'chat', 'mail'"),
        ({"sinks": {"ops": {"room": "b"}}}, "s.sinks.ops: its kind is missing; it says which kind it is"),
        ({"sinks": {"ops": {"kind": "chat"}}}, "s.sinks.ops.room: is missing; it is required"),
        ({"sinks": {"ops": {"kind": "mail", "to": []}}}, "s.sinks.ops.to: is too short: at least 1"),
        ({"sinks": {"ops": {"kind": "mail", "to": "a"}}}, "s.sinks.ops.to: must be a list"),
        ({"sinks": {"ops": {"kind": "mail", "to": ["a"], "port": 0}}}, "s.sinks.ops.port: must be above 0"),
        ({"sinks": []}, "s.sinks: must be a table"),
        ({"sinks": {"ops": 3}}, "s.sinks.ops: must be a table"),
        ({"level": "secret-value"}, "s.level: is none of 'low', 'high'"),
        ({"steps": [{"kind": "mail", "to": ["a"], "prt": 1}]}, "s.steps[0].prt: no such name; did you mean 'port'?"),
    ],
)
def test_each_fault_is_said_where_it_stands(document: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ADAPTER.validate_json(orjson.dumps(document))
    assert [str(fault) for fault in faults_in(refused.value, ADAPTER, ["s"])] == [said]
