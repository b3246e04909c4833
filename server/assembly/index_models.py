"""The models behind HTTP that an operator may name: an encoder and a reranker for the capability index."""

import logging
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from anyio.from_thread import BlockingPortal, start_blocking_portal

from capability_index.encoders.encoder import Encoder
from capability_index.encoders.endpoint_encoder import EndpointEncoder
from capability_index.errors import EncoderUnavailable, EndpointFailed
from capability_index.ranking.reranker import EndpointReranker, Reranker
from server.config.settings import Settings
from tools.egress.addresses import authority_of
from tools.egress.client import Egress, OutboundRequest, OutboundResponse
from tools.errors import ImportFailed, ToolError

log = logging.getLogger("ascend")
#: What a server that has but one model is told.
_ANY_MODEL = "default"

#: (segment, operation id) -> its text
TextOf = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Models:
    """What is configured. `make_encoder` asks the endpoint for its dimension, so it blocks and may raise EncoderUnavailable."""

    make_encoder: Callable[[], Encoder] | None = None
    reranker: Reranker | None = None


class ModelPost:
    """The `Post` of capability_index: blocking, for any thread but the one whose loop does the work.

    It logs when an endpoint falls silent and when it is back, not every search in between.
    """

    def __init__(self, portal: BlockingPortal, egress: Egress) -> None:
        self._portal, self._egress = portal, egress
        self._silent: set[str] = set()
        self._under_way: set[Future[OutboundResponse]] = set()
        self._is_stopping = False

    def __call__(self, url: str, headers: Mapping[str, str], body: bytes, timeout_s: float) -> bytes:
        request = OutboundRequest("POST", url, tuple(headers.items()), body, timeout_s)
        try:
            response = self._sent(request)
        except ToolError as error:
            raise self._failed(url, error.failure.message) from error
        except (RuntimeError, CancelledError) as error:
            raise EndpointFailed("the gateway is stopping") from error
        if response.status != 200:
            raise self._failed(url, f"{_host(url)} answered with status {response.status}")
        if url in self._silent:
            self._silent.discard(url)
            log.info("model_endpoint_back", extra={"facts": {"endpoint": _host(url)}})
        return response.body

    def _sent(self, request: OutboundRequest) -> OutboundResponse:
        if self._is_stopping:
            raise CancelledError
        sending = self._portal.start_task_soon(self._egress.send, request)
        self._under_way.add(sending)
        try:
            return sending.result()
        finally:
            self._under_way.discard(sending)

    def stop(self) -> None:
        """End the requests under way: nobody waits for their answers any more."""
        self._is_stopping = True
        for sending in tuple(self._under_way):
            sending.cancel()

    def _failed(self, url: str, reason: str) -> EndpointFailed:
        if url not in self._silent:
            self._silent.add(url)
            facts = {"endpoint": _host(url), "reason": reason, "effect": "discover_apis goes on with the embedded vectors"}
            log.warning("model_endpoint_failing", extra={"facts": facts})
        return EndpointFailed(reason)


@contextmanager
def open_models(settings: Settings, text_of: TextOf) -> Iterator[Models]:
    """Give what is configured, with a thread for its requests; without a configured endpoint there is none.

    The operator named these hosts, so they may be private: for these requests, not for those of callers.
    """
    urls = [url for url in (settings.search.embeddings_url, settings.search.reranker_url) if url]
    if not urls:
        yield Models()
        return
    guarded = Egress([_authority(url) for url in urls])
    with start_blocking_portal(name="models") as portal, portal.wrap_async_context_manager(guarded) as egress:
        post = ModelPost(portal, egress)
        try:
            yield _models(settings, post, text_of)
        finally:
            post.stop()


def encoder_trouble(settings: Settings) -> str:
    """Ask the configured endpoint for a vector; return what is wrong, empty where all is well or nothing is configured."""
    with open_models(settings, lambda _segment, slug: slug) as models:
        try:
            if models.make_encoder is not None:
                models.make_encoder()
        except EncoderUnavailable as error:
            return str(error)
    return ""


def _models(settings: Settings, post: ModelPost, text_of: TextOf) -> Models:
    def make_encoder() -> Encoder:
        url, model, api_key = (
            settings.search.embeddings_url,
            settings.search.embeddings_model or _ANY_MODEL,
            settings.search.embeddings_api_key,
        )
        return EndpointEncoder(url, model, post, EndpointEncoder.dimension_of(url, model, post, api_key=api_key), api_key=api_key)

    reranker = EndpointReranker(
        settings.search.reranker_url, settings.search.reranker_model or _ANY_MODEL, post, text_of, api_key=settings.search.reranker_api_key
    )
    return Models(make_encoder if settings.search.embeddings_url else None, reranker if settings.search.reranker_url else None)


def _host(url: str) -> str:
    """Return what logs call the endpoint: no user, no query."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return "an address that is none"


def _authority(url: str) -> str:
    try:
        return authority_of(url)
    except ImportFailed:
        return ""  # refused where it is called, by name
