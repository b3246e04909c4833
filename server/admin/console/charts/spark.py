"""A spark: a row of figures as small bars, beside the words that say the same."""

from collections.abc import Sequence
from itertools import pairwise

from markupsafe import Markup

#: units of the picture; it stretches to the height of a line
HEIGHT, _STEP = 20, 4
MAX_BARS = 60


def spark(figures: Sequence[float]) -> Markup:
    """Return an SVG of a bar for each figure, oldest first; of more than MAX_BARS figures, the newest ones."""
    figures = figures[-MAX_BARS:]
    if not figures:
        return Markup('<span class="none">–</span>')
    most = max(figures) or 1
    # What is there is seen, however little it is beside the most; nothing is a dot on the ground.
    heights = [max(2, round(HEIGHT * figure / most)) if figure > 0 else 1 for figure in figures]
    # Strokes, each from the ground up, told from where the pen stands: a list has fifty of these.
    path = f"M2 {HEIGHT}v-{heights[0]}" + "".join(f"m{_STEP} {before}v-{height}" for before, height in pairwise(heights))
    said = f"{min(figures):,g} to {max(figures):,g}, at last {figures[-1]:,g}"
    return Markup('<svg class="spark" viewBox="0 0 {} {}" role="img" aria-label="{}"><path d="{}"/></svg>').format(
        len(figures) * _STEP, HEIGHT, said, path
    )
