"""What a request needs of a model, read from its body; hints that a model may leave aside are no needs."""

from collections.abc import Iterator

from tools.ai_gateway.model_request import ModelRequest
from tools.operation import Json

#: all ways to put a picture into a body name it so; looking for bytes spares looking through a conversation
_IMAGE_MARKS = (b'"image', b'"input_image"', b'"inlineData"', b'"inline_data"')
_NO_EFFORT = (None, "none", "minimal")


def needs_of(request: ModelRequest) -> frozenset[str]:
    """Return of `tools`, `images`, `json_schema`, `reasoning` those that the request cannot do without."""
    return frozenset(_needs(request))


def _needs(request: ModelRequest) -> Iterator[str]:
    body, surface = request.body, request.surface
    if surface not in ("chat", "responses", "messages", "count_tokens"):
        return
    if body.get("tools") or body.get("functions"):
        yield "tools"
    conversation = body.get("input" if surface == "responses" else "messages")
    if any(mark in request.raw for mark in _IMAGE_MARKS) and any(map(_has_image, _objects(conversation))):
        yield "images"
    if _wants_schema(body):
        yield "json_schema"
    thinking, reasoning = body.get("thinking"), body.get("reasoning")
    effort = reasoning.get("effort") if isinstance(reasoning, dict) else body.get("reasoning_effort")
    if effort not in _NO_EFFORT or (isinstance(thinking, dict) and thinking.get("type") == "enabled"):
        yield "reasoning"


def _wants_schema(body: Json) -> bool:
    text, config = body.get("text"), body.get("output_config")
    forms = (
        body.get("response_format"),
        body.get("output_format"),
        text.get("format") if isinstance(text, dict) else None,
        config.get("format") if isinstance(config, dict) else None,
    )
    return any(isinstance(each, dict) and each.get("type") == "json_schema" for each in forms)


def _objects(value: Json) -> Iterator[dict[str, Json]]:
    return (each for each in value if isinstance(each, dict)) if isinstance(value, list) else iter(())


def _has_image(message: dict[str, Json]) -> bool:
    """A picture is a part of a message, or of a tool's result in it; Responses have items that hold results in `output`."""
    if message.get("type") in ("image", "image_url", "input_image"):
        return True
    return any(map(_has_image, _objects(message.get("content")))) or any(map(_has_image, _objects(message.get("output"))))
