"""Line plots as SVG, written by hand: no plotting library is worth its weight for two pictures.

Owns: the drawing. Does not own: what is drawn.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Points = Sequence[tuple[float, float]]

COLORS = ("#000000", "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31")
"""Black, then the palette of Okabe and Ito (2008), which colour-blind readers can tell apart."""

WIDTH, HEIGHT = 800, 420
LEFT, RIGHT, TOP, BOTTOM = 60, 260, 40, 50


def lines(title: str, axis: str, series: Mapping[str, Points]) -> str:
    """A plot of shares (0 to 1) over a logarithmic axis; one line with a name for each series."""
    drawn = {name: points for name, points in series.items() if points}
    xs = sorted({x for points in drawn.values() for x, _ in points}) or [1.0]
    scale = _Scale(xs[0], xs[-1])
    parts = [_text(LEFT, 24, title, "start", 15), _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, axis)]
    parts += [_level(share / 5, scale) for share in range(6)]
    parts += [_text(scale.x(x), HEIGHT - BOTTOM + 18, f"{x:g}") for x in xs]
    for place, (name, points) in enumerate(drawn.items()):
        parts += _series(name, points, place, scale)
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'font-family="sans-serif" font-size="11">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>\n{body}\n</svg>\n'
    )


class _Scale:
    """From values to the picture's coordinates."""

    def __init__(self, low: float, high: float) -> None:
        self._low = math.log(low)
        self._span = math.log(high) - self._low or 1.0

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log(value) - self._low) / self._span

    def y(self, share: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share


def _level(share: float, scale: _Scale) -> str:
    y = scale.y(share)
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>'
    return line + _text(LEFT - 8, y + 4, f"{share:.1f}", "end")


def _series(name: str, points: Points, place: int, scale: _Scale) -> list[str]:
    color = COLORS[place % len(COLORS)]
    dashes = ' stroke-dasharray="5 3"' if place >= len(COLORS) else ""
    path = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in points)
    y = TOP + 10 + 18 * place
    x = WIDTH - RIGHT + 16
    return [
        f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="2"{dashes}/>',
        f'<line x1="{x}" x2="{x + 20}" y1="{y}" y2="{y}" stroke="{color}" stroke-width="2"{dashes}/>',
        _text(x + 26, y + 4, f"{name} {points[-1][1]:.3f}", "start"),
    ]


def _text(x: float, y: float, text: str, anchor: str = "middle", size: int = 11) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
