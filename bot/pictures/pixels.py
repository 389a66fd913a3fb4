"""What is done to pictures, as functions for the workshop's process: paths in and out, and nothing
imported that its start would have to wait for. A Notice is raised for what can be said better here;
whatever else a decoder raises means that the picture is unreadable.
"""

import importlib
import io
import math
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from PIL import AvifImagePlugin, Image, ImageCms, ImageFile, ImageMath
from PIL.AvifImagePlugin import AvifImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from bot import words
from bot.errors import Notice, Word
from bot.pictures import headers
from bot.pictures.strip import is_whole, strip

PIXELS_MAX = 40_000_000
WEBP_PIXELS_MAX = 16_000_000
"""Its decoder takes 16 bytes a pixel, the others 4."""
SIDE_MAX = 16_384
LONG_SIDE_MAX = 2048
"""Of what goes to the model."""
PNG_BYTES_MAX = 4 * 1024 * 1024
"""Of what goes to the model: beyond it a lossy copy says the same in a fraction."""
PNG_LEVEL = 2
SIZES_MAX = 10
"""Tried for a picture that fits at no quality."""
FILLED_ENOUGH = 0.75
"""Of a limit: a larger size is not looked for."""
HOPELESS = 4
"""So many times the limit at the best quality, and lower ones are not worth trying."""
LOWEST_QUALITY_SHARE = 0.45
"""Of the bytes at the best quality, roughly; only the first size tried depends on it."""
WEBP_WRITTEN_PIXELS_MAX = 8_400_000
"""The largest picture of the model. With alpha a megapixel takes 0.15 s, several times over."""
WEBP_SIDE_MAX = 16_383
"""Of the format. Source: https://developers.google.com/speed/webp/faq (2026-08)."""

DECODER_THREADS = 2
"""Of AVIF and HEIC, on any machine: each takes of the bound of memory."""

# Importing these also spares Pillow from importing all it has in search of one.
KINDS = (PngImageFile, JpegImageFile, WebPImageFile, GifImageFile)
FORMATS = tuple(str(kind.format) for kind in KINDS)
"""Of what the model makes, and of what Discord shows everywhere."""
UPLOAD_FORMATS = (*FORMATS, str(AvifImageFile.format), "HEIF")
"""Of what members send; phones send the last two."""
MEDIA_TYPES = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "MPO": "image/jpeg",  # a JPEG with more pictures behind it, as some phones write
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
}
PHOTOS = {"image/jpeg", "image/avif", "image/heif"}
"""Lossy already: the copy may be as well."""

Turn = Image.Transpose
# By the EXIF orientation, whose value says where the first row and column of pixels belong.
TURNS = {
    2: Turn.FLIP_LEFT_RIGHT,
    3: Turn.ROTATE_180,
    4: Turn.FLIP_TOP_BOTTOM,
    5: Turn.TRANSPOSE,
    6: Turn.ROTATE_270,
    7: Turn.TRANSVERSE,
    8: Turn.ROTATE_90,
}
ORIENTATION_TAG = 0x0112


@dataclass(frozen=True, slots=True)
class Header:
    """What a picture is; `width` and `height` are pixels as stored."""

    media_type: str
    width: int
    height: int


def inspect(source: str, name: str) -> Header:
    """What a picture is, after a look for damage: the checksums of a PNG, a decoding of others.

    Raises Notice(TOO_LARGE), which names the bound; anything else means that it is unreadable.
    """
    with _opened(source, name) as image:
        header = Header(MEDIA_TYPES[image.format or ""], image.width, image.height)
        if image.format == "PNG":
            image.verify()
        else:
            image.draft(None, (1, 1))  # damage shows at an eighth of the size, too
            image.load()
    return header


def normalise(source: str, target: str, name: str) -> Header:
    """Writes the copy that the model sees into the existing file `target`: upright, in sRGB, eight
    bits a channel, at most 2048 pixels long, and nothing but pixels. Alpha is kept where it is
    used; of an animation there is the first frame.

    Raises as `inspect`.
    """
    _learn_heif()
    with _opened(source, name, UPLOAD_FORMATS) as image:
        if image.format == "PNG":
            stripped = strip(source, target, LONG_SIDE_MAX, PNG_BYTES_MAX)
            if stripped is not None and is_whole(target, *stripped):
                return Header("image/png", *stripped)
            with _opened(source, name) as twin:
                twin.verify()  # decoding does not look at the checksums
        size = _within(image.size, LONG_SIDE_MAX)
        image.draft(None, size)
        plain = _plain(image, size)
        is_photo = MEDIA_TYPES[image.format or ""] in PHOTOS and plain.mode == "RGB"
    with Path(target).open("r+b") as file:
        return Header(_write_for_model(plain, file, is_photo=is_photo), plain.width, plain.height)


def refit(source: str, target: str, bytes_max: int) -> str:
    """Writes a copy of at most `bytes_max` bytes into the existing file `target`, with the least
    loss: JPEG, or WebP where alpha is used, of falling quality, then of falling size. Gives the
    suffix of its name.

    Raises Notice(TOO_LARGE) if there is none; anything else means that it is unreadable.
    """
    with _opened(source, "") as image:
        plain = _plain(image, image.size)
    if plain.mode == "RGBA":
        image_format, suffix, qualities = "WEBP", ".webp", (90, 80, 70)
        plain = _resized(plain, _within(plain.size, _webp_side_max(plain.size)))
    else:
        image_format, suffix, qualities = "JPEG", ".jpg", (92, 85, 75)
    with Path(target).open("r+b") as file:
        size_bytes = 0.0
        for quality in qualities:
            size_bytes = _save(plain, file, image_format, quality)
            if size_bytes <= bytes_max:
                return suffix
            if size_bytes > HOPELESS * bytes_max:
                size_bytes *= LOWEST_QUALITY_SHARE
                break

        def save_at(scale: float) -> int:
            side_max = max(1, math.floor(max(plain.size) * scale))
            smaller = _resized(plain, _within(plain.size, side_max))
            return _save(smaller, file, image_format, qualities[-1])

        if _shrink(save_at, size_bytes, bytes_max):
            return suffix
    raise Notice(Word.TOO_LARGE, words.picture_cannot_fit(bytes_max))


def repack(source: str, target: str, bytes_max: int) -> str:
    """Writes a copy with the very same pixels and at most `bytes_max` bytes into the existing file
    `target`: WebP without loss, or PNG. Gives the suffix of its name.

    Raises Notice(TOO_LARGE) if there is none; anything else means that it is unreadable.
    """
    with _opened(source, "") as image:
        tiles = image.tile if isinstance(image, ImageFile.ImageFile) else []
        deep = "16" in str(tiles) and not image.mode.startswith("I")  # Pillow cuts colours to 8
        whole = not deep and getattr(image, "n_frames", 1) == 1
        image.load()
    kept = {key: image.info[key] for key in ("icc_profile", "exif") if image.info.get(key)}
    as_webp = image.mode in {"RGB", "RGBA"} and max(image.size) <= _webp_side_max(image.size)
    with Path(target).open("r+b") as file:
        for image_format, suffix, options in (
            ("WEBP", ".webp", {"lossless": True, "exact": True, "quality": 40, "method": 2}),
            ("PNG", ".png", {"compress_level": 9}),
        ):
            if whole and (as_webp or image_format == "PNG"):
                file.seek(0)
                file.truncate()
                image.save(file, image_format, **options, **kept)
                file.flush()
                if file.seek(0, io.SEEK_END) <= bytes_max:
                    return suffix
    raise Notice(Word.TOO_LARGE, words.picture_cannot_fit(bytes_max))


def _shrink(save_at: Callable[[float], int], size_bytes: float, bytes_max: int) -> bool:
    """Saves at nearly the largest scale that fits, knowing the bytes at scale 1; False if none
    does. How bytes follow from pixels depends on the picture, so it is tried out.
    """
    fits, too_large, saved = 0.0, 1.0, 1.0
    for _ in range(SIZES_MAX):
        if fits:
            saved = math.sqrt(fits * too_large)
        else:
            saved *= min(0.9, math.sqrt(bytes_max / size_bytes))
        size_bytes = save_at(saved)
        if size_bytes > bytes_max:
            too_large = saved
        else:
            fits = saved
            if size_bytes > FILLED_ENOUGH * bytes_max or too_large / fits < 1.05:
                break
    if fits and fits != saved:
        save_at(fits)
    return fits > 0


def _webp_side_max(size: tuple[int, int]) -> int:
    """The longest side with which a picture of these proportions can be written as WebP."""
    share = WEBP_WRITTEN_PIXELS_MAX / (size[0] * size[1])
    return min(WEBP_SIDE_MAX, math.floor(max(size) * math.sqrt(share)))


def _learn_heif() -> None:
    """Tells Pillow of HEIC, in the workshop's process alone: it brings a library of its own."""
    if "HEIF" not in Image.OPEN:
        register_heif_opener = importlib.import_module("pillow_heif").register_heif_opener
        only_the_picture = {"thumbnails": False, "depth_images": False, "aux_images": False}
        register_heif_opener(decode_threads=DECODER_THREADS, **only_the_picture)
        AvifImagePlugin.DEFAULT_MAX_THREADS = DECODER_THREADS


@contextmanager
def _opened(source: str, name: str, formats: tuple[str, ...] = FORMATS) -> Generator[Image.Image]:
    """The picture with only its header read, and found to be within the bounds."""
    for image_format, size in headers.sizes(source):
        _check_size(image_format, size, name)
    try:
        image = Image.open(source, formats=formats)
    except Image.DecompressionBombError as error:
        raise _too_large(name, f"{PIXELS_MAX // 1_000_000} megapixels") from error
    with image:
        _check_size(image.format or "", image.size, name)
        yield image


def _check_size(image_format: str, size: tuple[int, int], name: str) -> None:
    if min(size) < 1:
        raise ValueError("a picture without pixels")
    if max(size) > SIDE_MAX:
        raise _too_large(name, f"{SIDE_MAX:,} pixels a side")
    if image_format == "WEBP" and size[0] * size[1] > WEBP_PIXELS_MAX:
        raise _too_large(name, f"{WEBP_PIXELS_MAX // 1_000_000} megapixels of WebP")
    if size[0] * size[1] > PIXELS_MAX:
        raise _too_large(name, f"{PIXELS_MAX // 1_000_000} megapixels")


def _too_large(name: str, bound: str) -> Notice:
    return Notice(Word.TOO_LARGE, words.picture_too_large(name, bound))


def _within(size: tuple[int, int], side_max: int) -> tuple[int, int]:
    """The size in the same proportions with no side over `side_max`."""
    longest = max(size)
    if longest <= side_max:
        return size
    width, height = (max(1, round(side * side_max / longest)) for side in size)
    return width, height


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    if image.size == size:
        return image
    # To its types the size may also be an array of NumPy, which is not installed.
    return image.resize(size, Image.Resampling.LANCZOS)  # pyright: ignore[reportUnknownMemberType]


def _plain(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Decodes: RGB, or RGBA where alpha is used, in sRGB, of this size before it is turned upright,
    and without anything that its file said besides.
    """
    image.load()
    profile: object = image.info.get("icc_profile")
    turn = TURNS.get(_orientation(image))
    plain = _resized(_eight_bit(image), size)
    plain = _in_srgb(plain, profile if isinstance(profile, bytes) else b"")
    if turn is not None:
        plain = plain.transpose(turn)
    plain.info.clear()
    return plain


def _orientation(image: Image.Image) -> int:
    """What is still to be done, by EXIF's number.

    The boxes of AVIF and HEIC say how a picture is turned, and its metadata have no say: Pillow
    passes an AVIF's on as EXIF, and HEIC comes turned.
    """
    if image.format == "HEIF":
        return 1
    if image.format == "AVIF":
        image.info.pop("xmp", None)
    try:
        value: object = image.getexif().get(ORIENTATION_TAG)
    except Exception:  # noqa: BLE001 - broken metadata spoils no picture
        return 1
    return value if isinstance(value, int) else 1


def _eight_bit(image: Image.Image) -> Image.Image:
    """The picture as L, RGB or CMYK, or as RGBA if any pixel is not opaque."""
    key: object = image.info.get("transparency")
    if image.mode.startswith("I"):
        return _grey_of_16_bit(image, key if isinstance(key, int) else None)
    match key:
        case (int(red), int(green), int(blue)) if max(red, green, blue) > 255:
            # Pillow cuts colours of 16 bits to 8, but not the one that stands for transparency.
            image.info["transparency"] = (red >> 8, green >> 8, blue >> 8)
        case _:
            pass
    if image.has_transparency_data:
        clear = image if image.mode == "RGBA" else image.convert("RGBA")
        opaque = clear.getchannel("A").getextrema() == (255, 255)
        return clear.convert("RGB") if opaque else clear
    return image if image.mode in {"L", "RGB", "CMYK"} else image.convert("RGB")


def _grey_of_16_bit(image: Image.Image, key: int | None) -> Image.Image:
    """Pillow's own conversion would cut everything above 255 to white."""
    deep = image.convert("I")
    grey = ImageMath.lambda_eval(lambda images: images["deep"] >> 8, deep=deep).convert("L")
    if key is None:
        return grey
    clear = grey.convert("RGBA")
    solid = ImageMath.lambda_eval(lambda images: (images["deep"] != key) * 255, deep=deep)
    clear.putalpha(solid.convert("L"))
    return clear


def _in_srgb(image: Image.Image, profile: bytes) -> Image.Image:
    """The picture as RGB or RGBA, its colours moved from their profile. One that does not go with
    the picture is ignored, as browsers do.
    """
    if not profile:
        return image if image.mode in {"RGB", "RGBA"} else image.convert("RGB")
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image if alpha is None else image.convert("RGB")
    try:
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        # Pillow does not say what this returns.
        ours = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
        moved = ImageCms.profileToProfile(colours, theirs, ours, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        moved = None
    colours = colours.convert("RGB") if moved is None else moved
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


def _write_for_model(image: Image.Image, file: BinaryIO, *, is_photo: bool) -> str:
    """The media type of what was written."""
    if is_photo:
        _save(image, file, "JPEG", 95)
        return "image/jpeg"
    if _save(image, file, "PNG") <= PNG_BYTES_MAX:
        return "image/png"
    if image.mode == "RGBA":
        _save(image, file, "WEBP", 90)
        return "image/webp"
    _save(image, file, "JPEG", 92)
    return "image/jpeg"


def _save(image: Image.Image, file: BinaryIO, image_format: str, quality: int = 0) -> int:
    """Replaces what is in the file; the number of bytes it has then.

    Optimised or progressive JPEGs and slower WebPs save a few hundredths for several times the
    time. At high quality JPEG keeps the colours of every pixel, as letters and lines need.
    """
    file.seek(0)
    file.truncate()
    match image_format:
        case "PNG":
            image.save(file, "PNG", compress_level=PNG_LEVEL)
        case "WEBP":
            image.save(file, "WEBP", quality=quality, method=0)
        case _:
            subsampling = "4:4:4" if quality > 90 else "4:2:0"
            image.save(file, "JPEG", quality=quality, subsampling=subsampling)
    file.flush()
    return file.seek(0, io.SEEK_END)
