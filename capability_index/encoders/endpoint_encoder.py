"""Vectors from an OpenAI-compatible `/embeddings` endpoint: batched, remembered, with a deadline."""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.embeddings_answer import vectors_in
from capability_index.errors import EncoderUnavailable, EndpointFailed


class Post(Protocol):
    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> bytes:
        """POST and return the body of a 200 answer; blocking, ends after `timeout_s` at the latest. Raises EndpointFailed."""
        ...


Floats = NDArray[np.float32]
BATCH = 64
_MAX_CACHED = 4_096
_REST_S = 5.0


class EndpointEncoder:
    """The encoder behind `url`; an answer of another dimension is refused. `dimension_of` asks for it where it is not known.

    A single text (an intent) has `query_timeout_s`, a batch `batch_timeout_s`. After a failure of an intent the endpoint is left alone for
    five seconds, so that a slow one does not slow every search.
    """

    def __init__(
        self,
        url: str,
        model: str,
        post: Post,
        dimension: int,
        *,
        api_key: str = "",
        query_timeout_s: float = 0.4,
        batch_timeout_s: float = 30.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.model, self.dimension = f"{model}/{dimension}", dimension
        self._url, self._name, self._post, self._clock = url, model, post, clock
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {api_key}"} if api_key else {})
        self._query_timeout_s, self._batch_timeout_s = query_timeout_s, batch_timeout_s
        #: hash of a text -> its vector; the model is this encoder's one
        self._vectors: OrderedDict[bytes, Floats] = OrderedDict()
        self._remembering = threading.Lock()
        self._resting_until = -1e9

    def encode(self, texts: Sequence[str]) -> Floats:
        keys = [hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in texts]
        found = self._recalled(keys)
        text_by_key = {key: text for key, text in zip(keys, texts, strict=True) if key not in found}
        missing = list(text_by_key.items())
        timeout_s = self._query_timeout_s if len(texts) == 1 else self._batch_timeout_s
        if missing and len(texts) == 1 and self._clock() < self._resting_until:
            raise EncoderUnavailable(f"encoder {self._name}: failed a moment ago")
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            vectors = self._ask([text for _, text in batch], timeout_s)
            found.update({key: vector for (key, _), vector in zip(batch, vectors, strict=True)})
        self._remember({key: found[key] for key in text_by_key})
        return np.stack([found[key] for key in keys]) if keys else np.zeros((0, self.dimension), np.float32)

    def _ask(self, texts: Sequence[str], timeout_s: float) -> Floats:
        body = json.dumps({"model": self._name, "input": texts, "encoding_format": "float"}).encode()
        try:
            vectors = vectors_in(self._post(self._url, self._headers, body, timeout_s), len(texts))
        except EndpointFailed as error:
            self._resting_until = self._clock() + _REST_S
            raise EncoderUnavailable(f"encoder {self._name}: {error}") from error
        except ValueError as error:
            raise EncoderUnavailable(f"encoder {self._name}: {error}") from error
        if vectors.shape[1] != self.dimension:
            raise EncoderUnavailable(f"encoder {self._name}: {vectors.shape[1]} dimensions came, {self.dimension} are configured")
        return vectors

    @staticmethod
    def dimension_of(url: str, model: str, post: Post, *, api_key: str = "", timeout_s: float = 10.0) -> int:
        """Ask the endpoint how many dimensions its vectors have. Raises EncoderUnavailable."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {api_key}"} if api_key else {})
        try:
            body = json.dumps({"model": model, "input": ["dimension"]}).encode()
            return int(vectors_in(post(url, headers, body, timeout_s), 1).shape[1])
        except (EndpointFailed, ValueError) as error:
            raise EncoderUnavailable(f"encoder {model}: {error}") from error

    def _recalled(self, keys: Sequence[bytes]) -> dict[bytes, Floats]:
        with self._remembering:
            found = {key: self._vectors[key] for key in keys if key in self._vectors}
            for key in found:
                self._vectors.move_to_end(key)
            return found

    def _remember(self, vectors: dict[bytes, Floats]) -> None:
        with self._remembering:
            self._vectors.update(vectors)
            while len(self._vectors) > _MAX_CACHED:
                self._vectors.popitem(last=False)
