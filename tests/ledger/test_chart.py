"""Charts: every figure is drawn as it is, and can be read in both of Discord's themes."""

import io
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.colors import to_rgb
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.patches import Patch, Rectangle
from matplotlib.text import Text
from PIL import Image

from bot.ledger.chart import (
    CARD,
    LABEL_LETTERS_MAX,
    UNKNOWN,
    Bar,
    Chart,
    Lettering,
    Panel,
    draw,
    figure,
    numbers,
    tidy,
)
from bot.money import NanoUsd, nano_usd

CONTRAST_MIN = 4.5
"""Of text: https://www.w3.org/TR/WCAG22/#contrast-minimum (2026-08)."""
THEMES = ("#313338", "#ffffff")
NAMES = [
    ("木村拓哉", "kimura"),
    ("שלום עולם", "shalom"),
    ("سلام", "salam"),
    ("हिन्दी", "hindi"),
    ("👩‍👩‍👧🌙", "moon"),
    ("$x^2$ \\frac{1}{2} $", "formula"),
    ("z" + "\u0335\u0328" * 40, "stacked"),
    ("\u202eevil\u2066\x00\n\ud800", "control"),
    ("", "empty"),
    ("A name that goes on and on and on and on", "long"),
]


def bars(costs: Iterable[int], estimated: int = 0) -> tuple[Bar, ...]:
    return tuple(
        Bar(NAMES[number % len(NAMES)], NanoUsd(cost), NanoUsd(estimated))
        for number, cost in enumerate(costs)
    )


def chart(*panels: Panel, title: str = "Atelier") -> Chart:
    return Chart(title, "November 2026", panels, "as reported", "estimated")


FULL = chart(
    Panel("By day", bars(range(10**8, 31 * 10**8, 10**8), 10**8), upright=True),
    Panel("By member", bars(range(10**9, 0, -(10**8)), 5 * 10**7), upright=False),
    title="Атеље 木工 $x$",
)


def luminance(colour: object) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    red, green, blue = map(linear, to_rgb(colour))  # pyright: ignore[reportArgumentType] - any
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: object, second: object) -> float:
    lighter, darker = sorted((luminance(first), luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def texts(drawn: Figure) -> list[Text]:
    found: list[Text] = drawn.findobj(Text)  # pyright: ignore[reportAssignmentType] - what it finds
    return [text for text in found if text.get_visible() and text.get_text()]


def drawn_bars(drawn: Figure) -> list[list[Rectangle]]:
    """The bars of each series of each panel."""
    return [
        list(container)
        for axes in drawn.axes
        for container in axes.containers
        if isinstance(container, BarContainer)
    ]


def test_every_text_and_bar_contrasts_with_the_card():
    drawn = figure(FULL)
    said = {text.get_text() for text in texts(drawn)}
    assert {"By day", "By member", "as reported", "estimated", "kimura"} <= said
    assert all(contrast(text.get_color(), CARD) >= CONTRAST_MIN for text in texts(drawn))
    patches = [bar for series in drawn_bars(drawn) for bar in series]
    legends: list[Legend] = drawn.findobj(Legend)  # pyright: ignore[reportAssignmentType]
    patches += [
        patch for one in legends for patch in one.legend_handles if isinstance(patch, Patch)
    ]
    assert len(patches) == 2 * (30 + 10) + 2
    assert all(contrast(patch.get_facecolor()[:3], CARD) >= CONTRAST_MIN for patch in patches)


@pytest.mark.parametrize("theme", THEMES)
def test_the_card_hides_what_is_behind_it(theme: str):
    with Image.open(io.BytesIO(draw(FULL))) as opened:
        picture = opened.convert("RGBA")
    behind = Image.new("RGBA", picture.size, theme)
    behind.alpha_composite(picture)
    assert behind.convert("RGB").getcolors(1 << 24) == picture.convert("RGB").getcolors(1 << 24)
    corner = behind.getpixel((0, 0))
    assert isinstance(corner, tuple)
    assert "#{:02x}{:02x}{:02x}".format(*corner[:3]) == CARD


def test_every_bar_is_as_long_as_its_figure():
    drawn = drawn_bars(figure(FULL))
    upright_known, upright_estimated, lying_known, lying_estimated = drawn
    assert [bar.get_height() for bar in upright_known] == [
        bar.cost - bar.estimated for bar in FULL.panels[0].bars
    ]
    assert [bar.get_height() for bar in upright_estimated] == [10**8] * 30
    assert [round(bar.get_width()) for bar in lying_known] == [
        bar.cost - bar.estimated for bar in FULL.panels[1].bars
    ]
    assert {round(bar.get_width()) for bar in lying_estimated} == {5 * 10**7}
    assert [(cost, part) for _, _, cost, part in numbers(FULL)] == [
        (bar.cost, bar.estimated) for panel in FULL.panels for bar in panel.bars
    ]


def test_the_figure_of_every_lying_bar_is_written_beside_it():
    said = [text.get_text() for text in texts(figure(FULL))]
    for bar in FULL.panels[1].bars:
        assert f"${bar.cost / 10**9:.4f}" in said


@pytest.mark.parametrize(
    "costs",
    [
        [],
        [0],
        [1],
        [-5],
        [-(10**9), 10**9],
        [2**62],
        [nano_usd("0.0001"), nano_usd("1000000")],
    ],
)
@pytest.mark.parametrize("upright", [True, False])
def test_no_sum_is_too_small_too_large_or_below_zero_to_be_drawn(costs: list[int], upright: bool):
    assert draw(chart(Panel("By day", bars(costs), upright=upright))).startswith(b"\x89PNG")


def test_a_name_that_the_fonts_cannot_write_gives_way_to_the_next():
    beyond = "\U000f0000"  # of private use: no font has it
    lettering = Lettering(["木", beyond, "Mara", "mara"])
    assert lettering.write((f"Mara {beyond}", "mara")) == "Mara"
    assert lettering.write((beyond, "mara")) == "mara"
    assert lettering.write((beyond,)) == UNKNOWN
    assert Lettering(["Жанна Ωμέγα"]).write(("Жанна Ωμέγα",)) == "Жанна Ωμέγα"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=60), max_size=4))
def test_what_is_written_of_any_name_is_one_short_line_that_the_fonts_have(names: list[str]):
    lettering = Lettering(names)
    for name in names:
        written = lettering.write((name, "mara"))
        assert 1 <= len(written) <= LABEL_LETTERS_MAX
        assert written.isprintable()
        assert tidy(written) == written or written == UNKNOWN
