"""Charts of the books as PNG. What is drawn is plain values; where they come from, and who may see
them, is not known here. matplotlib is imported only where something is drawn, which belongs into
the workshop's process; its colours stand on a card of their own, because Discord does not say
whether a reader's theme is dark or light.
"""

# matplotlib's types leave open what its keywords may be.
# pyright: reportUnknownMemberType=false

import io
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bot.money import NanoUsd, dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CARD = "#2b2d31"
TEXT = "#f2f3f5"
QUIET_TEXT = "#c9cdd3"
GRID = "#4a4d55"
KNOWN = "#8fa3ff"
ESTIMATED = "#f5b942"

WIDTH_INCHES = 7.6
DOTS_PER_INCH = 130
LABEL_LETTERS_MAX = 24
MARKS_MAX = 2
"""Marks that one letter may carry: a name can stack them as high as it likes."""
FONTS_TRIED_MAX = 400
DATES_SHOWN_MAX = 6
UNKNOWN = "?"
"""Drawn where nothing of a name can be written."""
_CENT = 10_000_000
_FONT = "DejaVu Sans"  # comes with matplotlib


@dataclass(frozen=True, slots=True)
class Bar:
    """`names` are what it may be called, the best first: the first that the machine's fonts can
    write is drawn. `cost` includes `estimated`.
    """

    names: tuple[str, ...]
    cost: NanoUsd
    estimated: NanoUsd


@dataclass(frozen=True, slots=True)
class Panel:
    """Bars beside each other in the order of time (`upright`), or below each other with their
    figures.
    """

    heading: str
    bars: tuple[Bar, ...]
    upright: bool


@dataclass(frozen=True, slots=True)
class Chart:
    """`title` may be a name in any script."""

    title: str
    subtitle: str
    panels: tuple[Panel, ...]
    known: str
    estimated: str
    """The legend's words, shown where there are estimates."""


def numbers(chart: Chart) -> Iterator[tuple[str, str, NanoUsd, NanoUsd]]:
    """All that is drawn as figures: panel, name, cost, and how much of it is estimated."""
    for panel in chart.panels:
        for bar in panel.bars:
            yield panel.heading, bar.names[0], bar.cost, bar.estimated


def draw(chart: Chart) -> bytes:
    """The chart as a PNG without transparency. To be run in the workshop."""
    buffer = io.BytesIO()
    figure(chart).savefig(buffer, format="png", facecolor=CARD)
    return buffer.getvalue()


def figure(chart: Chart) -> "Figure":
    """The chart before it becomes a picture."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    lettering = Lettering(_texts(chart))
    heights = [
        2.3 if panel.upright else 0.45 + 0.31 * max(1, len(panel.bars)) for panel in chart.panels
    ]
    height = sum(heights) + 1.0 + 0.3 * len(heights)
    # A name may hold what would be formulas: they are never parsed.
    style: dict[Any, object] = {  # Any: the names of settings are matplotlib's own
        "font.family": lettering.families,
        "font.size": 11.0,
        "text.parse_math": False,
        "text.color": TEXT,
        "axes.labelcolor": QUIET_TEXT,
        "xtick.color": QUIET_TEXT,
        "ytick.color": TEXT,
        "hatch.color": CARD,
        "hatch.linewidth": 1.5,
    }
    with mpl.rc_context(style):
        drawn = Figure(
            figsize=(WIDTH_INCHES, height),
            dpi=DOTS_PER_INCH,
            facecolor=CARD,
            layout="constrained",
        )
        drawn.suptitle(
            f"{lettering.write((chart.title,))}\n{chart.subtitle}",
            x=0.02,
            ha="left",
            fontsize=13,
            linespacing=1.35,
        )
        axes: list[Axes] = list(
            drawn.subplots(
                len(heights), 1, squeeze=False, gridspec_kw={"height_ratios": heights}
            ).flat
        )
        for panel, place in zip(chart.panels, axes, strict=True):
            _draw_panel(place, panel, lettering)
        if any(bar.estimated for panel in chart.panels for bar in panel.bars):
            _legend(axes[0], chart)
        # What a figure is drawn with is settled when it is drawn: here, within these settings.
        drawn.draw_without_rendering()
    return drawn


def _draw_panel(axes: "Axes", panel: Panel, lettering: "Lettering") -> None:
    axes.set_facecolor(CARD)
    axes.set_title(panel.heading, loc="left", fontsize=11, color=QUIET_TEXT)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.tick_params(length=0, pad=6)
    axes.set_axisbelow(True)
    known = [bar.cost - bar.estimated for bar in panel.bars]
    estimated = [bar.estimated for bar in panel.bars]
    names = [lettering.write(bar.names) for bar in panel.bars]
    places = range(len(panel.bars))
    if panel.upright:
        axes.bar(places, known, color=KNOWN, width=0.75)
        axes.bar(places, estimated, bottom=known, color=ESTIMATED, width=0.75, hatch="//")
        shown = list(places)[:: -(-len(names) // DATES_SHOWN_MAX)] if names else []
        axes.set_xticks(shown, [names[place] for place in shown], fontsize=10)
        axes.set_xlim(-0.6, max(len(names), 7) - 0.4)
        axes.grid(axis="y", color=GRID, linewidth=0.8)
        _money_axis(axes, [bar.cost for bar in panel.bars])
        return
    axes.barh(places, known, color=KNOWN, height=0.68)
    axes.barh(places, estimated, left=known, color=ESTIMATED, height=0.68, hatch="//")
    axes.set_yticks(places, names)
    axes.set_ylim(max(len(names), 1) - 0.4, -0.6)
    axes.set_xticks([])
    highest = max([1, *(bar.cost for bar in panel.bars)])
    lowest = min([0, *(bar.cost for bar in panel.bars)])
    axes.set_xlim(lowest * 1.05, highest * 1.22)
    for place, bar in zip(places, panel.bars, strict=True):
        axes.annotate(
            dollars(bar.cost),
            (max(bar.cost, 0), place),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            color=TEXT,
        )


def _money_axis(axes: "Axes", costs: list[NanoUsd]) -> None:
    """Grid lines at sums with as few decimals as tell them apart."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    highest = max([_CENT, *costs])
    axes.set_ylim(min([0, *costs]) * 1.05, highest * 1.05)
    axes.yaxis.set_major_locator(MaxNLocator(4))
    decimals = 0 if highest >= 400 * _CENT else 2 if highest >= 4 * _CENT else 4

    def money(value: float, _: object) -> str:
        return dollars(NanoUsd(round(value)), decimals)

    axes.yaxis.set_major_formatter(FuncFormatter(money))
    axes.tick_params(axis="y", colors=QUIET_TEXT)


def _legend(axes: "Axes", chart: Chart) -> None:
    from matplotlib.patches import Patch

    axes.legend(
        handles=[
            Patch(facecolor=KNOWN, label=chart.known),
            Patch(facecolor=ESTIMATED, hatch="//", label=chart.estimated),
        ],
        loc="lower right",
        bbox_to_anchor=(1.0, 1.0),
        ncols=2,
        frameon=False,
        fontsize=10,
        labelcolor=QUIET_TEXT,
        borderaxespad=0.2,
    )


def _texts(chart: Chart) -> Iterator[str]:
    yield chart.title
    for panel in chart.panels:
        for bar in panel.bars:
            yield from bar.names


def tidy(name: str) -> str:
    """A name on one line, without what is not seen, as long as there is room for."""
    letters: list[str] = []
    marks = 0
    for letter in unicodedata.normalize("NFC", " ".join(name.split())):
        category = unicodedata.category(letter)
        if category.startswith("C"):  # controls, surrogates, what turns the direction of writing
            continue
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if marks <= MARKS_MAX:
            letters.append(letter)
    text = "".join(letters).strip()
    return text if len(text) <= LABEL_LETTERS_MAX else f"{text[: LABEL_LETTERS_MAX - 1]}…"


class Lettering:
    """The fonts of this machine that some texts need, and what none of them can write."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._missing = {letter for text in texts for letter in tidy(text) if letter != " "}
        self.families: list[str] = []
        for family, has in _fonts():
            found = {letter for letter in self._missing if has(ord(letter))}
            if found or not self.families:
                self.families.append(family)
            self._missing -= found
            if not self._missing:
                break

    def write(self, names: tuple[str, ...]) -> str:
        """The first of the names whose letters can all be written, without its other signs that
        cannot; else what can be written of the last.
        """
        written = ""
        for name in map(tidy, names):
            written = " ".join("".join(each for each in name if each not in self._missing).split())
            lost = any(one.isalnum() for one in name if one in self._missing)
            if written and not lost:
                return written
        return written or UNKNOWN


def _fonts() -> Iterator[tuple[str, Callable[[int], bool]]]:
    """Upright fonts of ordinary weight by their families, those for many scripts first, and what
    tells whether one has a character.
    """
    from matplotlib.font_manager import fontManager
    from matplotlib.ft2font import FT2Font

    regular = {
        entry.name: entry.fname
        for entry in fontManager.ttflist
        if entry.style == "normal" and entry.weight in {400, "normal", "regular", "book"}
    }
    order = sorted(
        regular, key=lambda name: (name != _FONT, not name.startswith("Noto Sans"), name)
    )
    for family in [name for name in order if "Last Resort" not in name][:FONTS_TRIED_MAX]:
        try:
            characters = FT2Font(regular[family]).get_charmap()
        except (OSError, RuntimeError):
            continue  # a broken font of the machine's is no reason to draw nothing
        yield family, characters.__contains__
