"""How the stand-in model draws: the words of a request on a landscape whose colours come from their
hash, an edit that keeps its input's pixels and adds words in a band, and the pixel sizes of shapes.
Only pictures are made here, from plain values; all of it is CPU work, for a thread.
"""

import colorsys
import hashlib
import io
import math
import random
import textwrap
import unicodedata
from dataclasses import dataclass

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageFont, PngImagePlugin

CAPTION = "stand-in picture"
WORDS_SHOWN_MAX = 180
BAND_SHARE = 0.16
EDIT_EDGE_MIN = 512
"""A smaller input is enlarged by a whole factor, so that the band can be read."""

SIZES: dict[str, dict[str, tuple[int, int]]] = {
    "1K": {
        "1:1": (1024, 1024),
        "2:3": (1024, 1536),
        "3:2": (1536, 1024),
        "3:4": (1152, 1536),
        "4:3": (1536, 1152),
        "4:5": (1024, 1280),
        "5:4": (1280, 1024),
        "9:16": (864, 1536),
        "16:9": (1536, 864),
        "21:9": (1792, 768),
    },
    "2K": {
        "1:1": (2048, 2048),
        "2:3": (1360, 2048),
        "3:2": (2048, 1360),
        "3:4": (1536, 2048),
        "4:3": (2048, 1536),
        "4:5": (1632, 2048),
        "5:4": (2048, 1632),
        "9:16": (1152, 2048),
        "16:9": (2048, 1152),
        "21:9": (2048, 880),
    },
}
"""Pixels by image size and aspect ratio; multiples of 16, as OpenAI's image model draws."""

MEDIA_TYPES = {"PNG": "image/png", "JPEG": "image/jpeg", "WEBP": "image/webp", "GIF": "image/gif"}

Colour = tuple[int, int, int]
WHITE: Colour = (255, 255, 255)


class BadPicture(Exception):
    """Bytes that are no picture, or one of too many pixels."""

    def __init__(self, *, too_large: bool) -> None:
        super().__init__("too many pixels" if too_large else "not a picture")
        self.too_large = too_large


@dataclass(frozen=True, slots=True)
class Look:
    media_type: str | None
    """None if it is neither PNG, JPEG, WebP nor GIF."""
    width: int
    height: int
    still: bool


def look(data: bytes) -> Look:
    """What kind of picture these bytes are, decoded to the end; raises BadPicture."""
    try:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            media_type = MEDIA_TYPES.get(image.format or "")
            return Look(media_type, *image.size, still=getattr(image, "n_frames", 1) == 1)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadPicture(too_large=True) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise BadPicture(too_large=False) from error


def paint(words: str, width: int, height: int) -> Image.Image:
    """A new picture of these words. The same words and size give the same pixels."""
    dice = random.Random(_digest(words))
    hue = dice.random()
    picture = _sky(dice, hue, width, height)
    _sun(picture, dice, hue)
    _hills(picture, dice, hue)
    picture = _grain(picture, dice)
    room = (round(width * 0.8), round(height * 0.5))
    middle = (width // 2, round(height * 0.4))
    _write_centred(picture, words, middle, room, min(width, height) // 10)
    size = max(12, min(width, height) // 42)
    _write_centred(
        picture, CAPTION, (width // 2, height - 2 * size), (width, 2 * size), size, soft=True
    )
    return picture


def edit(source: bytes, words: str, aspect_ratio: str | None = None) -> Image.Image:
    """The input with a band of words at its lower edge.

    Outside the band every pixel and its alpha are the input's (as RGB or RGBA), except that words
    which ask for night darken it. An aspect ratio widens the canvas around the input; a small input
    is enlarged by a whole factor.
    """
    picture = _plain(source)
    if "night" in words.lower():
        picture = _night(picture)
    picture = _widen(_enlarge(picture), aspect_ratio, words)
    width, height = picture.size
    top = height - band_height(height)
    dice = random.Random(_digest(words))
    hue = dice.random()
    band = Image.new("RGB", (width, height - top), _colour(hue, 0.38, 0.17))
    line = (0, 0, width, max(1, band.height // 40))
    ImageDraw.Draw(band).rectangle(line, fill=_colour(hue, 0.45, 0.8))
    small = max(9, band.height // 7)
    room = (round(width * 0.92), round(band.height * 0.58))
    _write_centred(band, words, (width // 2, round(band.height * 0.42)), room, band.height // 3)
    low = (width // 2, band.height - small)
    _write_centred(band, CAPTION, low, (width, 2 * small), small, soft=True)
    picture.paste(band, (0, top))
    return picture


def band_height(height: int) -> int:
    """How many rows at the bottom of an edited picture of this height are the band."""
    return max(1, round(height * BAND_SHARE))


def keeps_pixels(result: bytes, source: bytes) -> bool:
    """Whether `result` is an edit of `source` by this stand-in: all pixels outside the band are its
    own, or those of its night. For losslessly stored pictures.
    """
    shown = _plain(result)
    for original in (_plain(source), _night(_plain(source))):
        candidate = _enlarge(original)
        if candidate.width > shown.width or candidate.height > shown.height:
            return False
        left = (shown.width - candidate.width) // 2
        top = (shown.height - candidate.height) // 2
        rows = min(candidate.height, shown.height - band_height(shown.height) - top)
        inside = shown.convert(candidate.mode).crop((left, top, left + candidate.width, top + rows))
        wanted = candidate.crop((0, 0, candidate.width, rows))
        if ImageChops.difference(inside, wanted).getbbox(alpha_only=False) is None:
            return True
    return False


def words_of(picture: bytes) -> str | None:
    """The words that a PNG of this stand-in was made for, from its text chunk; None without one."""
    with Image.open(io.BytesIO(picture)) as image:
        words = image.info.get("Description")
    return words if isinstance(words, str) else None


def encode(picture: Image.Image, media_type: str, words: str) -> bytes:
    """The file's bytes, as `image/png`, `image/jpeg` (without alpha) or `image/webp` (lossless)."""
    target = io.BytesIO()
    if media_type == "image/png":
        facts = PngImagePlugin.PngInfo()
        facts.add_itxt("Description", words)
        facts.add_itxt("Software", CAPTION)
        picture.save(target, "PNG", compress_level=1, pnginfo=facts)
    elif media_type == "image/jpeg":
        picture.convert("RGB").save(target, "JPEG", quality=90)
    elif media_type == "image/webp":
        picture.save(target, "WEBP", lossless=True, quality=0, method=0)
    else:
        raise ValueError(f"the stand-in cannot write {media_type}")
    return target.getvalue()


def _digest(words: str) -> int:
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:8], "big")


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _sky(dice: random.Random, hue: float, width: int, height: int) -> Image.Image:
    """Twelve colours around one hue, lighter towards the horizon, blended into each other."""
    colours = Image.new("RGB", (3, 4))
    for row in range(4):
        for column in range(3):
            shade = hue + 0.06 * row + dice.uniform(-0.03, 0.03)
            saturation = 0.62 - 0.09 * row + dice.uniform(-0.05, 0.05)
            colours.putpixel((column, row), _colour(shade, saturation, 0.46 + 0.14 * row))
    return _resized(colours, (width, height), Image.Resampling.BICUBIC)


def _sun(picture: Image.Image, dice: random.Random, hue: float) -> None:
    width, height = picture.size
    radius = min(width, height) * dice.uniform(0.09, 0.13)
    x = width * dice.choice((dice.uniform(0.14, 0.28), dice.uniform(0.72, 0.86)))
    y = height * dice.uniform(0.60, 0.67)
    small = Image.new("L", (width // 4, height // 4), 0)
    draw = ImageDraw.Draw(small)
    for reach, light in ((1.9, 22), (1.4, 48), (1.0, 215)):
        edge = radius * reach / 4
        draw.ellipse((x / 4 - edge, y / 4 - edge, x / 4 + edge, y / 4 + edge), fill=light)
    small = small.filter(ImageFilter.GaussianBlur(radius / 60))
    glow = _resized(small, (width, height), Image.Resampling.BICUBIC)
    picture.paste(_colour(hue + 0.14, 0.22, 1.0), mask=glow)


def _hills(picture: Image.Image, dice: random.Random, hue: float) -> None:
    """Three ranges, the nearest darkest."""
    width, height = picture.size
    for distance, (level, value) in enumerate(((0.70, 0.50), (0.79, 0.36), (0.88, 0.22))):
        waves = [
            (dice.uniform(0.8, 2.6) * (1 + wave), dice.random() * math.tau, 0.034 / (1 + wave))
            for wave in range(3)
        ]
        ridge = [
            (
                x,
                height
                * (level + sum(a * math.sin(f * math.tau * x / width + p) for f, p, a in waves)),
            )
            for x in range(0, width + 8, 8)
        ]
        colour = _colour(hue + 0.05 * distance, 0.45 + 0.08 * distance, value)
        _polygon(picture, [(0.0, float(height)), *ridge, (float(width), float(height))], colour)


def _polygon(picture: Image.Image, points: list[tuple[float, float]], colour: Colour) -> None:
    """Drawn twice as large and halved, for smooth edges."""
    top = int(min(y for _, y in points))
    mask = Image.new("L", (picture.width * 2, (picture.height - top) * 2), 0)
    ImageDraw.Draw(mask).polygon([(2 * x, 2 * (y - top)) for x, y in points], fill=255)
    picture.paste(colour, (0, top), mask.reduce(2))


def _grain(picture: Image.Image, dice: random.Random) -> Image.Image:
    """A breath of paper grain: it looks less like plastic, and a file gets a real one's size."""
    width, height = picture.size
    mostly_faint = bytes(value * value // 8192 for value in range(256))
    grains = dice.randbytes(width * height).translate(mostly_faint)
    noise = Image.frombytes("L", (width, height), grains)
    return ImageChops.subtract(picture, Image.merge("RGB", (noise, noise, noise)))


def _write_centred(
    picture: Image.Image,
    words: str,
    centre: tuple[int, int],
    room: tuple[int, int],
    size: int,
    *,
    soft: bool = False,
) -> None:
    """The words in white, wrapped, as large as fits into the room, at most `size` pixels high."""
    text, font = _fit(_printable(words), room, max(size, 9))
    draw = ImageDraw.Draw(picture)
    gap = font.size * 0.3
    if soft:
        faded = Image.new("L", picture.size, 0)
        ImageDraw.Draw(faded).text(centre, text, 190, font, anchor="mm", align="center")
        picture.paste(WHITE, mask=faded)
        return
    drop = max(1, round(font.size / 24))
    below = (centre[0] + drop, centre[1] + drop)
    shadow = Image.new("L", picture.size, 0)
    ImageDraw.Draw(shadow).text(below, text, 150, font, anchor="mm", align="center", spacing=gap)
    picture.paste((12, 14, 28), mask=shadow.filter(ImageFilter.BoxBlur(drop)))
    draw.text(centre, text, WHITE, font, anchor="mm", align="center", spacing=gap)


def _fit(text: str, room: tuple[int, int], size: int) -> tuple[str, ImageFont.FreeTypeFont]:
    while True:
        font = ImageFont.load_default(size)
        assert isinstance(font, ImageFont.FreeTypeFont), "Pillow is built with FreeType"
        columns = max(4, int(room[0] / (size * 0.52)))
        wrapped = "\n".join(_balanced(text, columns)) or " "
        box = ImageDraw.Draw(Image.new("L", (1, 1))).textbbox(
            (0, 0), wrapped, font, spacing=size * 0.3
        )
        if (box[2] - box[0] <= room[0] and box[3] - box[1] <= room[1]) or size <= 9:
            return wrapped, font
        size = max(9, round(size * 0.9))


def _balanced(text: str, columns: int) -> list[str]:
    """As few lines as the columns need, of about equal length."""
    lines = textwrap.wrap(text, columns)
    while columns > 5 and len(closer := textwrap.wrap(text, columns - 1)) == len(lines):
        lines, columns = closer, columns - 1
    return lines


def _printable(words: str) -> str:
    """Accents and line breaks off, since Pillow's own font knows ASCII and little else."""
    text = " ".join(words.split())
    if len(text) > WORDS_SHOWN_MAX:
        text = text[: WORDS_SHOWN_MAX - 1].rstrip() + "…"
    folded = unicodedata.normalize(
        "NFKD", text.translate({0x2013: "-", 0x2014: "-", 0x2026: "..."})
    )
    kept = (letter for letter in folded if not unicodedata.combining(letter))
    return "".join(letter if letter.isascii() or letter in "“”‘’" else "·" for letter in kept)


def _resized(picture: Image.Image, size: tuple[int, int], how: Image.Resampling) -> Image.Image:
    # Pillow's annotation names numpy, which is not installed.
    return picture.resize(size, how)  # pyright: ignore[reportUnknownMemberType]


def _plain(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _enlarge(picture: Image.Image) -> Image.Image:
    factor = math.ceil(EDIT_EDGE_MIN / max(picture.size))
    if factor == 1:
        return picture
    size = (picture.width * factor, picture.height * factor)
    return _resized(picture, size, Image.Resampling.NEAREST)


def _widen(picture: Image.Image, aspect_ratio: str | None, words: str) -> Image.Image:
    if aspect_ratio is None:
        return picture
    across, down = map(int, aspect_ratio.split(":"))
    width = max(picture.width, round(picture.height * across / down))
    height = max(picture.height, round(picture.width * down / across))
    if (width, height) == picture.size:
        return picture
    dice = random.Random(_digest(words))
    canvas = _sky(dice, dice.random(), width, height).convert(picture.mode)
    canvas.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
    return canvas


def _night(picture: Image.Image) -> Image.Image:
    """Darker and bluer, pixel by pixel; alpha stays."""
    colours = ImageEnhance.Color(picture.convert("RGB")).enhance(0.7)
    darkened = ImageChops.multiply(colours, Image.new("RGB", picture.size, (86, 98, 158)))
    if picture.mode == "RGBA":
        darkened.putalpha(picture.getchannel("A"))
    return darkened
