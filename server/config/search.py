"""Settings: what discover_apis searches with."""

from dataclasses import dataclass
from typing import ClassVar

from server.config.setting import setting
from server.config.value_kinds import Secret, Text


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSettings:
    """Other vectors and another judge than those that come along; empty: those."""

    title: ClassVar[str] = "Search"

    word_table: str = setting(
        "ASCEND_WORD_TABLE",
        Text("a folder"),
        "",
        "another word table: its `manifest.json` (name, files, sha256, fitted constants), vectors and vocabulary; the index is built anew",
        unset="the one that comes with the gateway",
    )
    embeddings_url: str = setting(
        "ASCEND_EMBEDDINGS_URL",
        Text("`…/embeddings`"),
        "",
        "an OpenAI-compatible endpoint whose vectors the search uses",
        unset="the encoder that comes along",
    )
    embeddings_model: str = setting("ASCEND_EMBEDDINGS_MODEL", Text(), "", "the model that it is asked for")
    embeddings_api_key: str = setting("ASCEND_EMBEDDINGS_API_KEY", Secret(), "", "what it is shown as a bearer token")
    reranker_url: str = setting(
        "ASCEND_RERANKER_URL",
        Text("`…/rerank`"),
        "",
        "an endpoint, as Jina, Cohere, TEI and vLLM serve it, that judges the first hits again",
    )
    reranker_model: str = setting("ASCEND_RERANKER_MODEL", Text(), "", "the model that it is asked for")
    reranker_api_key: str = setting("ASCEND_RERANKER_API_KEY", Secret(), "", "what it is shown as a bearer token")
