"""The shapes of a chart as paths of SVG: a step is one unit wide, the plot a hundred high, and classes give the colours."""

from collections.abc import Sequence

HEIGHT = 100
#: of a step, on either side of its bar
_GAP = 0.14


def line(points: Sequence[float | None], top: float) -> str:
    """Return a line through the middle of each step; it breaks where nothing is known, and one point alone is a dot."""
    path, is_drawing = [], False
    for place, point in enumerate(points):
        if point is None:
            is_drawing = False
            continue
        path.append(f"{'L' if is_drawing else 'M'}{place + 0.5:g} {_y(point, top)}")
        if not is_drawing and (place + 1 == len(points) or points[place + 1] is None):
            path.append("h.01")
        is_drawing = True
    return "".join(path)


def area(points: Sequence[float | None], top: float) -> str:
    """Return what lies below the line."""
    path, begun = [], None
    for place, point in enumerate([*points, None]):
        if point is None:
            if begun is not None:
                path.append(f"V{HEIGHT}H{begun:g}z")
                begun = None
        elif begun is None:
            begun = place + 0.5
            path.append(f"M{begun:g} {HEIGHT}V{_y(point, top)}")
        else:
            path.append(f"L{place + 0.5:g} {_y(point, top)}")
    return "".join(path)


def bars(points: Sequence[float | None], below: Sequence[float], top: float) -> str:
    """Return a bar for each step that stands on what is `below` it."""
    width = 1 - 2 * _GAP
    path = []
    for place, (point, floor) in enumerate(zip(points, below, strict=True)):
        if point:
            height = max(0.8, round(HEIGHT * point / top, 2))
            path.append(f"M{place + _GAP:g} {_y(floor, top)}v-{height:g}h{width:g}v{height:g}z")
    return "".join(path)


def _y(value: float, top: float) -> str:
    return f"{round(HEIGHT - HEIGHT * value / top, 2):g}"
