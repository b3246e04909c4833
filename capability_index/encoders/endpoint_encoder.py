"""Vectors from an OpenAI-compatible `/embeddings` endpoint: batched, remembered, with a deadline."""

import base64
import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from capability_index.encoders.encoder import unit
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
            entries = json.loads(self._post(self._url, self._headers, body, timeout_s))["data"]
            # An endpoint may answer in any order; `index` says which text a vector is of.
            ordered = sorted(entries, key=lambda entry: int(entry["index"]))
            vectors = np.stack([_vector(entry["embedding"]) for entry in ordered])
        except EndpointFailed as error:
            self._resting_until = self._clock() + _REST_S
            raise EncoderUnavailable(f"encoder {self._name}: {error}") from error
        except (ValueError, KeyError, TypeError) as error:
            raise EncoderUnavailable(f"encoder {self._name}: its answer does not have the form of /embeddings") from error
        if vectors.shape != (len(texts), self.dimension) or not np.isfinite(vectors).all():
            raise EncoderUnavailable(f"encoder {self._name}: {vectors.shape[-1]} dimensions came, {self.dimension} are configured")
        return unit(vectors)

    @staticmethod
    def dimension_of(url: str, model: str, post: Post, *, api_key: str = "", timeout_s: float = 10.0) -> int:
        """Ask the endpoint how many dimensions its vectors have. Raises EncoderUnavailable."""
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {api_key}"} if api_key else {})
        try:
            answer = json.loads(post(url, headers, json.dumps({"model": model, "input": ["dimension"]}).encode(), timeout_s))
            return len(_vector(answer["data"][0]["embedding"]))
        except EndpointFailed as error:
            raise EncoderUnavailable(f"encoder {model}: {error}") from error
        except (ValueError, KeyError, IndexError, TypeError) as error:
            raise EncoderUnavailable(f"encoder {model}: its answer does not have the form of /embeddings") from error

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


def _vector(embedding: object) -> Floats:
    """Return an embedding sent as numbers or as base64 of float32."""
    if isinstance(embedding, str):
        return np.frombuffer(base64.b64decode(embedding, validate=True), "<f4").astype(np.float32)
    return np.asarray(embedding, np.float32)
