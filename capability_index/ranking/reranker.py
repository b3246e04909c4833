"""A reranker reads intent and document together: slower and better than vectors. Optional, with a hard deadline."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from capability_index.encoders.endpoint_encoder import Post
from capability_index.errors import EndpointFailed, RerankerUnavailable

#: how many hits it reads
RERANKED = 50


class Reranker(Protocol):
    def judge(self, intent: str, found: Sequence[tuple[str, str]]) -> Sequence[float]:
        """Return how well each (segment, slug) answers `intent`, in the order given. Raises RerankerUnavailable."""
        ...


@dataclass(frozen=True, slots=True)
class EndpointReranker:
    """A `/rerank` endpoint as Jina, Cohere, TEI and vLLM serve it. `text_of` gives the text of the operation (segment, slug)."""

    url: str
    model: str
    post: Post
    text_of: Callable[[str, str], str]
    api_key: str = ""
    deadline_s: float = 1.5

    def judge(self, intent: str, found: Sequence[tuple[str, str]]) -> Sequence[float]:
        texts = [self.text_of(segment, slug) for segment, slug in found]
        body = json.dumps({"model": self.model, "query": intent, "documents": texts}).encode()
        headers = {"content-type": "application/json"}
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        try:
            answer = json.loads(self.post(self.url, headers, body, self.deadline_s))
            worth_by_place = {int(entry["index"]): float(entry["relevance_score"]) for entry in answer["results"]}
            return [worth_by_place[place] for place in range(len(found))]
        except (EndpointFailed, ValueError, KeyError, TypeError) as error:
            raise RerankerUnavailable(f"reranker {self.model}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, EndpointFailed) else "its answer does not have the expected form"
