"""What it takes to go on with a call that became a task, on whichever node: kept beside it until it has ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

import orjson

from server.mcp.request_state import Asked
from server.mcp.tasks.questions import Question, is_accepted
from tools.operation import Json


@dataclass(frozen=True, slots=True)
class Work:
    """The call, and the question that is open. Keys of requests carry the number of their round: none comes twice in a task's life.

    `resume`: of a plan that is on record. `then`: arguments that the answers bring, once all of them were a yes.
    """

    tool: str
    arguments: Mapping[str, Json]
    resume: str | None = None
    round: int = 0
    #: whose accounts were asked for
    providers: tuple[str, ...] = ()
    was_confirmation_asked: bool = False
    requests: Mapping[str, Json] = field(default_factory=dict)
    then: Mapping[str, Json] = field(default_factory=dict)
    is_declined: bool = False

    @classmethod
    def decoded(cls, kept: bytes) -> Self:
        """Return what `encoded` gave."""
        said = orjson.loads(kept)
        return cls(**{**said, "providers": tuple(said["providers"])})

    def encoded(self) -> bytes:
        """Return it as JSON. Raises TypeError where the arguments are nothing that a store keeps (integers beyond 64 bits)."""
        return orjson.dumps(self)

    @property
    def asked(self) -> Asked:
        """What was asked so far, as the call is to know it."""
        return Asked(frozenset(self.providers), self.resume)

    def asking(self, question: Question) -> Self:
        """Return the work with `question` open."""
        number = self.round + 1
        return replace(
            self,
            round=number,
            resume=question.asked.resume or self.resume,
            providers=tuple(sorted({*self.providers, *question.asked.providers})),
            was_confirmation_asked=self.was_confirmation_asked or "confirm" in question.then,
            requests={f"{key}_{number}": request for key, request in question.requests.items()},
            then=question.then,
            is_declined=False,
        )

    def answered(self, responses: Mapping[str, Json]) -> Self:
        """Return the work without the requests that `responses` answer; the others are passed over. Raises InvalidArguments."""
        given = {key: responses[key] for key in responses if key in self.requests}
        agreed = [is_accepted(key, self.requests[key], response) for key, response in given.items()]
        left = {key: request for key, request in self.requests.items() if key not in given}
        return replace(self, requests=left, is_declined=self.is_declined or not all(agreed))

    def going_on(self) -> Self:
        """Return the work as it goes on once nothing is open any more."""
        arguments = self.arguments if self.is_declined else {**self.arguments, **self.then}
        return replace(self, arguments=arguments, then={}, is_declined=False)
