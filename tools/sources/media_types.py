"""Media types of bodies: which one to send, and how it is written."""

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


#: RFC 6902: a list of changes; RFC 7396 and Kubernetes' own: the members that change, null for those that go
JSON_PATCH = "application/json-patch+json"
MERGE_PATCHES = ("application/merge-patch+json", "application/strategic-merge-patch+json")


#: one JSON value after the other -> what stands in front of each (RFC 7464 §2.2)
JSON_LINES = {"application/jsonl": "", "application/x-ndjson": "", "application/ndjson": "", "application/json-seq": "\x1e"}


def bare_type(media_type: str) -> str:
    """Return a media type without its parameters, in lower case."""
    return media_type.split(";")[0].strip().lower()


def preferred_media_type(media_types: list[str]) -> str:
    """Return the media type to send, of those offered: JSON before forms before multipart before the rest.

    A patch that merges comes before plain JSON, which leaves open what null means; a list of changes comes last of the JSON types.
    """

    def rank(media_type: str) -> int:
        bare = bare_type(media_type)
        if bare in MERGE_PATCHES:
            return MERGE_PATCHES.index(bare)
        if bare == "application/json":
            return 2
        if bare == JSON_PATCH:
            return 4
        if kind_of(bare) == "json":
            return 3
        return {FORM: 5, MULTIPART: 6}.get(bare, 7 if bare.startswith("text/") else 8)

    return min(media_types, key=rank)


def kind_of(media_type: str) -> str:
    bare = bare_type(media_type)
    if bare == FORM:
        return "form"
    if bare.startswith("multipart/"):
        return "multipart"
    if bare == "application/json" or bare.endswith("+json") or bare in ("*/*", "application/*"):
        return "json"
    if bare.startswith("text/") or bare.endswith(("/xml", "+xml", "/yaml", "+yaml", "/graphql", "javascript")):
        return "text"
    return "bytes"
