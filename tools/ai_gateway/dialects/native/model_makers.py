"""How those whose models Bedrock serves spell the maximum of an answer, in the bodies of InvokeModel (Bedrock user guide, "Inference
request parameters and response fields")."""

import re
from typing import Final

#: a model's name, without the region of an inference profile and without an ARN around it -> the member, after a point one within it
_MAXIMA: Final = (
    (re.compile(r"anthropic\.claude-(?:v2|instant)"), "max_tokens_to_sample"),
    (
        re.compile(r"(?:anthropic|mistral|cohere\.command|ai21\.jamba|deepseek|openai|qwen|writer|moonshot|minimax|google\.gemma|zai)\b"),
        "max_tokens",
    ),
    (re.compile(r"meta\.llama"), "max_gen_len"),
    (re.compile(r"amazon\.nova-(?!canvas|reel|sonic|multimodal)"), "inferenceConfig.maxTokens"),
    (re.compile(r"amazon\.titan-t(?:ext|g1)(?!-?embed)"), "textGenerationConfig.maxTokenCount"),
)
_AROUND: Final = re.compile(r"(?:.*/)?(?:(?:us|eu|apac|jp|au|ca|global|us-gov)\.)?")


def maximum_of_maker(model: str) -> str:
    """Return the member that bounds an answer of `model`; "" where it has none (vectors, pictures) or we know none."""
    name = _AROUND.sub("", model, count=1)
    return next((maximum for pattern, maximum in _MAXIMA if pattern.match(name) and "embed" not in name), "")
