"""Media types of bodies: which one to send, and how it is written."""

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"


def preferred_media_type(media_types: list[str]) -> str:
    """Return the media type to send, of those offered: JSON before forms before multipart before the rest."""

    def rank(media_type: str) -> int:
        bare = media_type.split(";")[0].strip().lower()
        if bare == "application/json":
            return 0
        if bare.endswith("+json") or bare in ("*/*", "application/*"):
            return 1
        return {FORM: 2, MULTIPART: 3}.get(bare, 4 if bare.startswith("text/") else 5)

    return min(media_types, key=rank)


def kind_of(media_type: str) -> str:
    bare = media_type.split(";")[0].strip().lower()
    if bare == FORM:
        return "form"
    if bare.startswith("multipart/"):
        return "multipart"
    if bare == "application/json" or bare.endswith("+json") or bare in ("*/*", "application/*"):
        return "json"
    if bare.startswith("text/") or bare.endswith(("/xml", "+xml", "/yaml", "+yaml", "/graphql", "javascript")):
        return "text"
    return "bytes"
