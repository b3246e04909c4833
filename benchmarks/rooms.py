"""Draws the rooms of `server` and `tools` and the imports between them: `python -m benchmarks.rooms` writes docs/rooms.svg.

Rows are the layers of the import contracts in pyproject.toml, top to bottom; an arrow is as thick as there are imports.
"""

import math
import tomllib
from collections import Counter
from collections.abc import Sequence
from html import escape
from pathlib import Path

import grimp

from benchmarks.structure import PACKAGES, ROOT, rooms

PICTURE = ROOT / "docs" / "rooms.svg"
DRAWN = ("server", "tools")
_WIDTH, _BOX, _ROW, _GAP, _MARGIN = 1_000, 26, 62, 10, 20
_CHAR = 7.2

Boxes = dict[str, tuple[float, float, float]]


def layers_of(package: str) -> list[list[str]]:
    """Return the rooms of `package`, layer by layer from the top, as its import contract names them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract.get("containers") == [package])
    named = [[room.strip(" ()") for room in layer.replace(":", "|").split("|")] for layer in layers]
    there = {path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    return [kept for layer in named if (kept := [room for room in layer if room in there])]


def picture() -> str:
    """Return the drawing as SVG."""
    graph = grimp.build_graph(*PACKAGES)
    parts: list[str] = []
    top = _MARGIN
    for package in DRAWN:
        layers = layers_of(package)
        boxes = _placed(layers, top + 34)
        parts.append(f'<text x="{_MARGIN}" y="{top + 16}" class="package">{package}</text>')
        parts += _arrows(boxes, rooms(graph, package), package)
        parts += [
            f'<rect x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" height="{_BOX}" rx="5"/>'
            f'<text x="{x + width / 2:.0f}" y="{y + 17:.0f}" class="room">{escape(room)}</text>'
            for room, (x, y, width) in boxes.items()
        ]
        top += 34 + len(layers) * _ROW + _MARGIN
    style = (
        "rect{fill:#f6f8fa;stroke:#57606a}text{font:12px ui-monospace,monospace;fill:#1f2328}.room{text-anchor:middle}"
        ".package{font-weight:bold;font-size:15px}path{fill:none;stroke:#0969da;stroke-opacity:.35}"
    )
    title = "<title>The rooms of server and tools, and the imports between them</title>"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {top:.0f}" role="img">'
    return "\n".join([head, title, f"<style>{style}</style>", *parts, "</svg>", ""])


def _placed(layers: Sequence[Sequence[str]], top: float) -> Boxes:
    boxes: Boxes = {}
    for row, layer in enumerate(layers):
        widths = [len(room) * _CHAR + 16 for room in layer]
        x = (_WIDTH - sum(widths) - _GAP * (len(layer) - 1)) / 2
        for room, width in zip(layer, widths, strict=True):
            boxes[room] = (x, top + row * _ROW, width)
            x += width + _GAP
    return boxes


def _arrows(boxes: Boxes, arrows: Counter[tuple[str, str]], package: str) -> list[str]:
    drawn = []
    for (importer, imported), count in sorted(arrows.items()):
        here, there = (name.removeprefix(f"{package}.") for name in (importer, imported))
        if here in boxes and there in boxes:
            (x1, y1, w1), (x2, y2, w2) = boxes[here], boxes[there]
            start, end, middle = y1 + _BOX, y2, (y1 + _BOX + y2) / 2
            curve = (
                f"M{x1 + w1 / 2:.0f} {start:.0f}C{x1 + w1 / 2:.0f} {middle:.0f} {x2 + w2 / 2:.0f} {middle:.0f} {x2 + w2 / 2:.0f} {end:.0f}"
            )
            drawn.append(f'<path d="{curve}" stroke-width="{0.8 + math.log2(count):.1f}"/>')
    return drawn


def main() -> None:
    PICTURE.write_text(picture(), encoding="utf-8")
    print(f"{Path(PICTURE).relative_to(ROOT)} is drawn anew")


if __name__ == "__main__":
    main()
