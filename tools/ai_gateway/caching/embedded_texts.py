"""Vectors kept text by text: of a list that is asked for again with one text more, only that one is paid for."""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from tools.ai_gateway.caching.answer_cache import EMBEDDINGS_AGE_S
from tools.ai_gateway.caching.answer_keys import text_key
from tools.ai_gateway.caching.kept_answers import KeptAnswer, KeptAnswers
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.decision import Decision, ModelTarget
from tools.ai_gateway.token_usage import TokenUsage


class EmbeddedTexts:
    """Looks up and keeps the vectors of one request's texts, as JSON."""

    def __init__(self, kept: KeptAnswers, request: ModelRequest, decision: Decision) -> None:
        self._kept, self._request = kept, request
        given = request.body["input"]
        self.texts: list[str] = [given] if isinstance(given, str) else given
        self._keys = [text_key(request, decision, text) for text in self.texts]
        tenant_id = request.caller.tenant_id
        self._found = [kept.get(tenant_id, key) for key in self._keys]

    @property
    def missing(self) -> list[int]:
        """Places of the texts whose vectors are not kept."""
        return [place for place, found in enumerate(self._found) if found is None]

    @property
    def target(self) -> ModelTarget | None:
        """The model whose vectors are kept; one answers for all."""
        return next((found.target for found in self._found if found is not None), None)

    def asked(self) -> ModelRequest:
        """Return the request for what is missing: as it came where that is everything."""
        missing = self.missing
        if len(missing) == len(self.texts):
            return self._request
        body = {**self._request.body, "input": [self.texts[place] for place in missing]}
        return replace(self._request, raw=orjson.dumps(body), body=body)

    def merged(self, target: ModelTarget, answer: bytes) -> bytes:
        """Keep the vectors of an answer to `asked`, and return the answer to the whole request; one of another shape as it came."""
        missing = self.missing
        body = orjson.loads(answer)
        rows = body.get("data") if isinstance(body, dict) else None
        if not isinstance(rows, list) or len(rows) != len(missing) or not all(isinstance(row, dict) and "embedding" in row for row in rows):
            return answer
        fresh = {place: orjson.dumps(row["embedding"]) for place, row in zip(missing, rows, strict=True)}
        expires_at = self._kept.expires_at(EMBEDDINGS_AGE_S)
        for place, vector in fresh.items():
            self._kept.put(self._request.caller.tenant_id, self._keys[place], KeptAnswer(target, TokenUsage(), expires_at, vector))
        if len(fresh) == len(self.texts):
            return answer
        vectors = [fresh.get(place) or (found.whole if found is not None else None) or b"null" for place, found in enumerate(self._found)]
        return orjson.dumps({**body, "data": _rows(vectors)})

    def whole(self, target: ModelTarget) -> bytes:
        """Return the answer where nothing is missing; nothing was used for it."""
        vectors = [found.whole or b"null" for found in self._found if found is not None]
        return orjson.dumps(
            {"object": "list", "data": _rows(vectors), "model": target.model, "usage": {"prompt_tokens": 0, "total_tokens": 0}}
        )


def is_list_of_texts(request: ModelRequest) -> bool:
    """Say whether a request embeds texts, and not tokens, whose vectors are kept as one answer."""
    given = request.body.get("input")
    return request.surface == "embeddings" and (
        isinstance(given, str) or (isinstance(given, list) and bool(given) and all(isinstance(text, str) for text in given))
    )


def _rows(vectors: Sequence[bytes]) -> list[dict[str, object]]:
    return [{"object": "embedding", "index": place, "embedding": orjson.Fragment(vector)} for place, vector in enumerate(vectors)]
