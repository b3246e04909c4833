"""Vectors kept text by text: of a list that is asked for again with one text more, only that one is paid for."""

from collections.abc import Sequence
from dataclasses import replace

import orjson

from tools.ai_gateway.caching.answer_cache import EMBEDDINGS_AGE_S
from tools.ai_gateway.caching.answer_keys import text_key, texts_place
from tools.ai_gateway.caching.kept_answers import KeptAnswer, KeptAnswers
from tools.ai_gateway.heavy.vectors import vectors_of
from tools.ai_gateway.model_request import ModelRequest
from tools.ai_gateway.routing.decision import Decision, ModelTarget
from tools.ai_gateway.token_usage import TokenUsage
from tools.turns import in_turns


class EmbeddedTexts:
    """Looks up and keeps the vectors of one request's texts, as JSON."""

    def __init__(
        self, kept: KeptAnswers, request: ModelRequest, texts: Sequence[str], keys: Sequence[bytes], found: Sequence[KeptAnswer | None]
    ) -> None:
        """Take what `looked_up` found."""
        self._kept, self._request, self.texts = kept, request, texts
        self._keys, self._found = keys, found
        #: places of the texts whose vectors are not kept
        self.missing = [place for place, each in enumerate(found) if each is None]

    @classmethod
    async def looked_up(cls, kept: KeptAnswers, request: ModelRequest, decision: Decision) -> "EmbeddedTexts":
        """Look for the vectors of all texts; of many a part at a time, so that nobody else waits for all."""
        given = request.body["input"]
        texts: list[str] = [given] if isinstance(given, str) else given
        place, tenant_id = texts_place(request, decision), request.caller.tenant_id
        keys = [text_key(place, text) async for text in in_turns(texts)]
        found = [kept.get(tenant_id, key) async for key in in_turns(keys)]
        if len({target.model for target in decision.targets}) > 1 and len({each and each.target.model for each in found}) > 1:
            # Whichever model answers for what is missing, the vectors of one answer are of one model.
            found = [None] * len(found)
        return cls(kept, request, texts, keys, found)

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

    async def merged(self, target: ModelTarget, answer: bytes) -> bytes:
        """Keep the vectors of an answer to `asked`, and return the answer to the whole request; one of another shape as it came.

        Raises a ToolError where the answer is too heavy for anybody to read.
        """
        caller = self._request.caller
        vectors = await vectors_of(answer, (caller.tenant_id, caller.key_id or caller.user))
        if vectors is None or len(vectors.each) != len(self.missing):
            return answer
        fresh = dict(zip(self.missing, vectors.each, strict=True))
        expires_at = self._kept.expires_at(EMBEDDINGS_AGE_S)
        async for place, vector in in_turns(fresh.items()):
            self._kept.put(caller.tenant_id, self._keys[place], KeptAnswer(target, TokenUsage(), expires_at, vector, is_vector=True))
        if len(fresh) == len(self.texts):
            return answer
        whole = [fresh.get(place) or (found.whole if found is not None else None) or b"null" for place, found in enumerate(self._found)]
        return orjson.dumps({**vectors.rest, "data": _rows(whole)})

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
