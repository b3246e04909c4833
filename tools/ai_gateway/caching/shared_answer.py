"""A kept answer of a model as bytes, for other processes."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import orjson

from tools.ai_gateway.caching.kept_answers import KeptAnswer
from tools.ai_gateway.configuration.config import ModelProvider
from tools.ai_gateway.routing.decision import ModelTarget
from tools.ai_gateway.token_usage import TokenUsage


def to_bytes(answer: KeptAnswer) -> bytes:
    """Return an answer as bytes: what is said of it, the whole answer, its events, its terminal mark."""
    texts = (answer.whole, answer.events, answer.terminal)
    head = {
        "provider": answer.target.provider.name,
        "model": answer.target.model,
        "usage": asdict(answer.usage),
        "expires_at": answer.expires_at,
        "tells_usage": answer.tells_usage,
        "content_type": answer.content_type,
        "lengths": [None if each is None else len(each) for each in texts],
    }
    return orjson.dumps(head) + b"\n" + b"".join(each or b"" for each in texts)


def from_bytes(text: bytes, provider_of: Callable[[str], ModelProvider | None]) -> KeptAnswer | None:
    """Return what `to_bytes` wrote; None where another release wrote it, or its provider is configured no more."""
    head_text, _, rest = text.partition(b"\n")
    try:
        head: dict[str, Any] = orjson.loads(head_text)
        provider = provider_of(head["provider"])
        if provider is None:
            return None
        texts = []
        for length in head["lengths"]:
            texts.append(None if length is None else rest[:length])
            rest = rest[length or 0 :]
        whole, events, terminal = texts
        return KeptAnswer(
            target=ModelTarget(provider, head["model"]),
            usage=TokenUsage(**head["usage"]),
            expires_at=head["expires_at"],
            whole=whole,
            events=events,
            terminal=terminal or b"",
            tells_usage=head["tells_usage"],
            content_type=head["content_type"],
        )
    except (ValueError, KeyError, TypeError):
        return None
