"""A chart of a metric: SVG that stretches with its place, axes in words beside it, each step named, the figures in a table."""

import re
from collections.abc import Sequence
from itertools import accumulate, pairwise

from markupsafe import Markup, escape

from server.admin.console.charts import shapes
from server.admin.console.charts.scale import marks, moment_words, step_words, top_of
from server.admin.console.values import html, said
from server.admin.figures import Metric, Series

_ZEROS = re.compile(r"\.(?:0+|(\d*?[1-9])0+)(?=\D*$)")
#: one class of colours each, in the order of the series
COLOURS = ("one", "two", "three", "four")
_SVG = Markup(
    '<svg class="shape" viewBox="0 0 {width} 100" preserveAspectRatio="none" role="img" aria-labelledby="{name}-t {name}-d">'
    '<title id="{name}-t">{title}</title><desc id="{name}-d">{desc}</desc>'
    '<path class="grid" d="M0 0H{width}M0 50H{width}M0 100H{width}"/>{paths}<g class="hits">{hits}</g></svg>'
)
_PLOT = Markup(
    '<div class="plot"><div class="ys" aria-hidden="true">{ys}</div>{svg}<div class="xs" aria-hidden="true">{xs}</div></div>'
    '<details class="numbers"><summary>Figures</summary><div class="sheet" tabindex="0" role="region" aria-label="Figures of {title}">'
    "<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div></details>"
)


def chart(metric: Metric) -> Markup:
    """Return the chart; bars where the series are parts of one sum, else lines, the first with its area."""
    top = top_of(_most(metric))
    titles = [each.title for each in metric.series]
    count = len(metric.steps.moments)
    whole = [moment_words(metric.steps, place, is_whole=True) for place in range(count)]
    words = [[said(metric.kind, _number(point)) for point in each.points] for each in metric.series]
    svg = _SVG.format(
        width=count,
        name=f"chart-{metric.name}",
        title=f"{metric.title}, {step_words(metric.steps)}",
        desc=described(metric),
        paths=Markup("").join(_paths(metric, top)),
        hits=html(
            "".join(
                f'<rect x="{place}" width="1" height="100"><title>{when}: {escape(_told(metric, words, place))}</title></rect>'
                for place, when in enumerate(whole)
            )
        ),
    )
    return _PLOT.format(
        title=metric.title,
        svg=svg,
        ys=Markup("").join(Markup("<span>{}</span>").format(_axis(metric, top * part)) for part in (1, 0.5, 0)),
        xs=_moments(metric),
        heads=Markup("").join(Markup('<th scope="col">{}</th>').format(each) for each in ("From", *titles)),
        rows=html("".join(_row(when, [each[place] for each in words]) for place, when in enumerate(whole))),
    )


def described(metric: Metric) -> str:
    """Return in words what the picture shows: the whole, the least, the most, and when that was."""
    main = metric.series[0].points if not metric.is_stacked else _sums(metric.series)
    known = [(point, place) for place, point in enumerate(main) if point is not None]
    if not known:
        return "Nothing in this time."
    if not any(point for point, _place in known):
        return f"{said(metric.kind, 0)} all the time."
    least, most = min(known), max(known)
    whole = "" if metric.total is None else f"{said(metric.kind, _number(metric.total))} in all. "
    return (
        f"{whole}Least {said(metric.kind, _number(least[0]))} from {moment_words(metric.steps, least[1], is_whole=True)}, "
        f"most {said(metric.kind, _number(most[0]))} from {moment_words(metric.steps, most[1], is_whole=True)}."
    )


def _most(metric: Metric) -> float:
    if metric.is_stacked:
        return max(_sums(metric.series), default=0.0)
    return max((point for each in metric.series for point in each.points if point is not None), default=0.0)


def _sums(series: Sequence[Series]) -> list[float]:
    return [sum(point or 0.0 for point in points) for points in zip(*(each.points for each in series), strict=True)]


def _paths(metric: Metric, top: float) -> Sequence[Markup]:
    if metric.is_stacked:
        stacks = list(accumulate(([point or 0.0 for point in each.points] for each in metric.series), _added))
        floors = [[0.0] * len(stacks[0]), *stacks]
        drawn = [shapes.bars(each.points, floor, top) for each, floor in zip(metric.series, floors, strict=False)]
        return [Markup('<path class="bar {}" d="{}"/>').format(colour, path) for colour, path in zip(COLOURS, drawn, strict=False) if path]
    below = Markup('<path class="area one" d="{}"/>').format(shapes.area(metric.series[0].points, top))
    lines = [shapes.line(each.points, top) for each in metric.series]
    return [below, *(Markup('<path class="line {}" d="{}"/>').format(colour, path) for colour, path in zip(COLOURS, lines, strict=False))]


def _added(before: Sequence[float], points: Sequence[float]) -> list[float]:
    return [one + other for one, other in zip(before, points, strict=True)]


def _told(metric: Metric, words: Sequence[Sequence[str]], place: int) -> str:
    """Return the figures of a step in words; of several, those that there are."""
    known = [
        f"{each.title} {said_of[place]}"
        for each, said_of in zip(metric.series, words, strict=True)
        if each.points[place] is not None and (each.points[place] or len(words) == 1)
    ]
    return ", ".join(known) or "nothing"


def _row(when: str, words: Sequence[str]) -> str:
    return f'<tr><th scope="row">{when}</th>{"".join(f"<td>{escape(each)}</td>" for each in words)}</tr>'


def _moments(metric: Metric) -> Markup:
    """Return the words below the axis: each as wide as the steps to the next, by a class, and none where there is no room."""
    places, count = marks(metric.steps), len(metric.steps.moments)
    usual = places[1] - places[0] if len(places) > 1 else count
    words = [Markup('<span class="w{}"></span>').format(places[0])] if places and places[0] else []
    for place, following in pairwise((*places, count)):
        text = moment_words(metric.steps, place) if 3 * (following - place) >= 2 * usual else ""
        words.append(Markup('<span class="w{}">{}</span>').format(following - place, text))
    return Markup("").join(words)


def _axis(metric: Metric, value: float) -> str:
    """Return a figure without the zeros behind its point."""
    return _ZEROS.sub(lambda found: f".{found[1]}" if found[1] else "", said(metric.kind, _number(value)))


def _number(value: float | None) -> float | int | None:
    """Return whole figures as such: calls have no fractions."""
    return int(value) if value is not None and value == int(value) else value
