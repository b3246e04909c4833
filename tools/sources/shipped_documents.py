"""OpenAPI documents that come along, of vendors whose own are not to be had: `ascend import openapi gong`."""

import functools
from pathlib import Path
from typing import Any

import yaml

_FOLDER = Path(__file__).parent / "documents"


def shipped_names() -> tuple[str, ...]:
    """Return what there is, by name."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.yaml")))


def shipped_path(name: str) -> Path | None:
    """Return where the document of a vendor is; None where none comes along."""
    return _FOLDER / f"{name}.yaml" if name in shipped_names() else None


@functools.cache
def shipped_document(name: str) -> dict[str, Any]:
    """Return a document as it is written; callers do not change it."""
    loaded: dict[str, Any] = yaml.load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    return loaded
