"""Tokens that a model call used, counted one way for all providers."""

from tools.value_objects import value_object


@value_object
class TokenUsage:
    """What a provider reported, or what we estimated.

    `input_tokens` holds everything that went in: cached and written tokens are within it, as OpenAI counts (Anthropic reports them
    beside it and its reader adds them up). `reasoning_tokens` are within `output_tokens`.
    """

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    #: of those, the ones written for an hour, which cost more
    cache_write_1h_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0
    is_estimated: bool = False

    @property
    def total_tokens(self) -> int:
        return self.input_tokens + self.output_tokens
