"""What an import is told, and what it takes over from the last import of the same provider."""

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from tools.errors import ImportFailed
from tools.operation import Failure, Json
from tools.sources.import_source import read_file
from tools.sources.openapi.overlay import Overlay, read_overlay
from tools.stores import OperationStore, Source

KIND = "openapi"


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Where the document is and what corrects it. `recalled`: what of this was said at the last import only, as one would write it."""

    location: str
    base_url: str | None
    include: tuple[str, ...]
    overlay: str | None
    overlay_text: str
    #: folder within which files that the document refers to may be
    root: str | None = None
    recalled: tuple[str, ...] = ()

    def read_overlay(self) -> Overlay | None:
        """Return what the overlay says. Raises ImportFailed."""
        return read_overlay(self.overlay_text.encode(), self.overlay) if self.overlay is not None else None

    def as_settings(self) -> dict[str, Json]:
        """Return what the next import may take over."""
        return {
            "base_url": self.base_url,
            "include": list(self.include),
            "overlay": self.overlay,
            "overlay_text": self.overlay_text,
            "root": self.root,
        }


async def earlier_import(store: OperationStore, tenant_id: str | None, provider: str) -> Source | None:
    """Return the source that a provider's OpenAPI operations came from, or None where there was none."""
    sources = await store.sources(tenant_id)
    return next((source for source in sources if source.provider == provider and source.kind == KIND), None)


async def options_of(
    location: str,
    base_url: str | None,
    include: tuple[str, ...],
    overlay: str | None,
    root: str | None,
    earlier: Source | None,
    provider: str,
) -> ImportOptions:
    """Return what an import goes by: what is given, and for the rest what the `earlier` one was told. Raises ImportFailed."""
    if not location and earlier is None:
        message = (
            f"no document of {provider!r} was imported for this tenant before; name its file or URL, or whose it is (--shared, --tenant)"
        )
        raise ImportFailed(Failure("source_unavailable", message))
    before: Mapping[str, Json] = earlier.settings.get("options", {}) if earlier is not None else {}
    recalled: list[str] = []
    if not location and earlier is not None:
        location = earlier.location
        recalled.append(location)
    if base_url is None and before.get("base_url"):
        base_url = str(before["base_url"])
        recalled.append(f"--base-url {base_url}")
    if not include and before.get("include"):
        include = tuple(str(glob) for glob in before["include"])
        recalled += [f"--include {glob!r}" for glob in include]
    if root is not None:
        root = str(await anyio.Path(root).absolute())
    elif before.get("root"):
        root = str(before["root"])
        recalled.append(f"--root {root}")
    text = ""
    if overlay is not None:
        overlay = str(await anyio.Path(overlay).absolute())
        text = await _text_of(overlay)
    elif before.get("overlay"):
        overlay = str(before["overlay"])
        # The file may have been edited since; where it is gone, what it said still holds.
        text = await _text_of(overlay) if await anyio.Path(overlay).is_file() else str(before["overlay_text"])
        recalled.append(f"--overlay {overlay}")
    return ImportOptions(location, base_url, include, overlay, text, root, tuple(recalled))


async def _text_of(overlay: str) -> str:
    try:
        return (await read_file(overlay)).decode()
    except UnicodeDecodeError as error:
        raise ImportFailed(Failure("invalid_overlay", f"{overlay} is not UTF-8 text")) from error
