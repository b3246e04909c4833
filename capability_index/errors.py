"""Errors of the index. Without an encoder or a reranker a search goes on with less; the other files can be made anew.

EncoderUnavailable    no vectors: endpoint, word table or model
EndpointFailed        one request to a model's endpoint came to nothing; both of the others are made of it
RerankerUnavailable   no second judgement
SnapshotInvalid       a saved index cannot be used
PageInvalid           a page in docs/tools breaks the format
EvaluationInvalid     a file of the evaluation does
"""


class EncoderUnavailable(Exception):
    """No vectors can be had; the message says why and what the search goes on with."""


class EndpointFailed(Exception):
    """The endpoint gave no good answer in time; the message says what happened, without the request or its headers."""


class RerankerUnavailable(Exception):
    """No judgement in time; the ranking stays as it is."""


class SnapshotInvalid(Exception):
    """The directory holds no snapshot that can be used; the message says why. Build the index anew."""


class PageInvalid(Exception):
    """A page in docs/tools breaks the format; the message names the page, the rule and the way out."""


class EvaluationInvalid(Exception):
    """A file of the evaluation is missing or wrong; the message names file, line and rule."""
