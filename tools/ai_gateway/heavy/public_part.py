"""What of a request another process may see: no key, nobody's name."""

from dataclasses import replace

from tools.ai_gateway.model_request import ModelCaller, ModelRequest, ModelTrace, Wishes

_NOBODY = ModelCaller("")


def without_caller(request: ModelRequest) -> ModelRequest:
    """Return a request without who sent it, and without its bytes, which go beside it."""
    return replace(request, raw=b"", caller=_NOBODY, wishes=Wishes(), trace=ModelTrace())
