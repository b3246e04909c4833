"""The `/rerank` endpoint that is set for discover_apis, asked about facts and passages too."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import anyio

from capability_index.errors import RerankerUnavailable
from capability_index.ranking.reranker import EndpointReranker, Reranker


@dataclass(frozen=True, slots=True)
class EndpointJudge:
    """Judges by ASCEND_RERANKER_URL, within its deadline of 1.5 s; without one, or where it fails, by nothing."""

    reranker: Callable[[], Reranker | None]

    @property
    def is_there(self) -> bool:
        return isinstance(self.reranker(), EndpointReranker)

    async def judge(self, query: str, texts: Sequence[str]) -> Sequence[float] | None:
        endpoint = self.reranker()
        if not isinstance(endpoint, EndpointReranker):
            return None
        reading = replace(endpoint, text_of=lambda _segment, text: text)
        try:
            return await anyio.to_thread.run_sync(lambda: reading.judge(query, [("", text) for text in texts]))
        except RerankerUnavailable:
            return None
