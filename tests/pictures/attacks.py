"""Files made to break whoever opens them, or to hold him up. Each is made when it is asked for:
some are as large as an upload may be.
"""

import struct
import zlib
from collections.abc import Callable, Sequence

from PIL import Image

from tests.pictures.boxes import Coded, Item, Kind, box, file_of, grid, still, xmp_item
from tests.pictures.paint import BLUE, GREEN, RED, blocks, chunk, encoded, raw_png

Make = Callable[[], bytes]

MIB = 1024 * 1024
KINDS: tuple[Kind, ...] = ("AVIF", "HEIF")


def small() -> Image.Image:
    return blocks([[RED, GREEN]], 64)


def into_png(*parts: bytes) -> bytes:
    png = encoded(small(), "PNG")
    return png[:33] + b"".join(parts) + png[33:]


def into_jpeg(*parts: bytes) -> bytes:
    jpeg = encoded(small(), "JPEG", quality=95)
    return jpeg[:2] + b"".join(parts) + jpeg[2:]


def into_gif(*parts: bytes) -> bytes:
    gif = encoded(small().quantize(4), "GIF")
    at = 13 + 3 * 4
    return gif[:at] + b"".join(parts) + gif[at:]


def into_webp(*parts: bytes) -> bytes:
    """With an empty place for metadata, so that it is of the kind that may hold more."""
    webp = encoded(small(), "WEBP", lossless=True, exif=b"Exif\0\0")
    body = webp[12:] + b"".join(parts)
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def boxed(kind: Kind, *items: Item, properties: Sequence[bytes] = ()) -> bytes:
    return file_of(kind, [*still(Coded.of(kind, small()), *properties), *items])


def segment(marker: int, data: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data


def riff(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data


# --- too large, in few bytes ---------------------------------------------------------------------


def bomb_png() -> bytes:
    side = 40_000
    return raw_png((side, side), 1, 0, bytes(side * (side // 8 + 1)))


def bomb_gif() -> bytes:
    """Its canvas is small; its frame is not."""
    frame = b"," + struct.pack("<HHHHB", 0, 0, 40_000, 40_000, 0)
    return b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0, 0, 0) + frame + b"\x02\x02\x4c\x01\0;"


def bomb_grid(kind: Kind) -> Make:
    """A hundred times the same tile."""
    tile = Image.new("RGB", (4_032, 4_032), RED)
    return lambda: file_of(kind, grid(Coded.of(kind, tile), 10, 10, (40_000, 40_000)))


def bomb_of_tracks() -> bytes:
    """A film of one picture, by what its track says."""
    header = bytes(76) + struct.pack(">II", 40_000 << 16, 40_000 << 16)
    film = box(b"moov", box(b"trak", box(b"tkhd", b"\0\0\0\3" + header)))
    return box(b"ftyp", b"avis", bytes(4), b"avis") + film


def claims(kind: Kind, width: int, height: int) -> Make:
    return lambda: file_of(kind, still(Coded.of(kind, small()), says_size=(width, height)))


BOMBS: dict[str, Make] = {
    "png": bomb_png,
    "gif": bomb_gif,
    "avif grid": bomb_grid("AVIF"),
    "heic grid": bomb_grid("HEIF"),
    "avif film": bomb_of_tracks,
    "avif tall": claims("AVIF", 1, 60_000),
    "avif wide": claims("AVIF", 60_000, 1),
    "heic tall": claims("HEIF", 1, 60_000),
    "heic wide": claims("HEIF", 60_000, 1),
    "avif absurd": claims("AVIF", 2**32 - 1, 2**32 - 1),
    "heic absurd": claims("HEIF", 2**32 - 1, 2**32 - 1),
}


# --- metadata beyond all reason ------------------------------------------------------------------


def tiff(entries: int, rest: int) -> bytes:
    entry = b"\x01\x0e\0\2\xff\xff\xff\xff\0\0\0\0"
    return b"MM\0*\0\0\0\x08" + struct.pack(">H", entries) + entry * entries + bytes(rest)


def monstrous_exif(kind: Kind) -> bytes:
    return boxed(kind, Item(b"Exif", b"\0\0\0\0" + tiff(65_535, 20 * MIB), describes=1))


def monstrous_xmp(kind: Kind) -> bytes:
    return boxed(kind, xmp_item(b"<tiff:Orientation>" * (MIB)))


def monstrous_profile(kind: Kind) -> bytes:
    return boxed(kind, properties=[box(b"colr", b"prof", bytes(20 * MIB))])


METADATA: dict[str, Make] = {
    "png exif": lambda: into_png(chunk(b"eXIf", tiff(65_535, 20 * MIB))),
    "png text": lambda: into_png(chunk(b"tEXt", b"a\0" + b"x" * 20 * MIB)),
    "png many texts": lambda: into_png(*[chunk(b"tEXt", b"a\0" + b"x" * 1200)] * 18_000),
    "jpeg exif": lambda: into_jpeg(*[segment(0xE1, b"Exif\0\0" + tiff(5_400, 700))] * 370),
    "jpeg xmp": lambda: into_jpeg(
        *[segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<" * 65_000)] * 370
    ),
    "jpeg profile": lambda: into_jpeg(
        *[segment(0xE2, b"ICC_PROFILE\0\1\xff" + bytes(65_500))] * 255
    ),
    "jpeg photoshop": lambda: into_jpeg(
        *[segment(0xED, b"Photoshop 3.0\0" + b"8BIM\0\1\0\0\0\0\0\0" * 5_400)] * 370
    ),
    "gif comment": lambda: into_gif(b"!\xfe", (b"\xff" + b"x" * 255) * 19_000, b"\0"),
    "webp exif": lambda: into_webp(riff(b"EXIF", tiff(65_535, 20 * MIB))),
    "webp many chunks": lambda: into_webp(*[riff(b"prVt", b"")] * 2_000_000),
    "avif exif": lambda: monstrous_exif("AVIF"),
    "heic exif": lambda: monstrous_exif("HEIF"),
    "avif xmp": lambda: monstrous_xmp("AVIF"),
    "heic xmp": lambda: monstrous_xmp("HEIF"),
    "avif profile": lambda: monstrous_profile("AVIF"),
    "heic profile": lambda: monstrous_profile("HEIF"),
    "heic deflated xmp": lambda: boxed("HEIF", xmp_item(flood(), b"deflate")),
    "avif deflated xmp": lambda: boxed("AVIF", xmp_item(flood(), b"deflate")),
}


def flood() -> bytes:
    """200 MB in 200 kB."""
    return zlib.compress(bytes(200_000_000), 9)


# --- damage by design ----------------------------------------------------------------------------


def many_scans() -> bytes:
    """36 megapixels, passed over 5,000 times."""
    tables = encoded(Image.new("RGB", (16, 16)), "JPEG")
    start = tables.index(b"\xff\xdb")
    quantisation = tables[start : start + 2 + int.from_bytes(tables[start + 2 : start + 4], "big")]
    parts = b"\x03\x01\x11\0\x02\x11\0\x03\x11\0"
    frame = segment(0xC2, b"\x08" + struct.pack(">HH", 6_000, 6_000) + parts)
    huffman = b"".join(segment(0xC4, bytes([kind, 1, *bytes(15), 0])) for kind in (0, 0x10))
    first = segment(0xDA, b"\x03\x01\0\x02\0\x03\0\0\0\0") + bytes(10)
    again = segment(0xDA, b"\x01\x01\x10\x01\x3f\x00") + bytes(2)
    return b"\xff\xd8" + quantisation + frame + huffman + first + again * 5_000 + b"\xff\xd9"


def jpeg_of_another_size(width: int, height: int) -> bytes:
    jpeg = encoded(small(), "JPEG")
    at = jpeg.index(b"\xff\xc0") + 5
    return jpeg[:at] + struct.pack(">HH", height, width) + jpeg[at + 4 :]


def webp_of_another_canvas(width: int, height: int) -> bytes:
    webp = into_webp()
    size = struct.pack("<I", width - 1)[:3] + struct.pack("<I", height - 1)[:3]
    return webp[:24] + size + webp[30:]


def grid_of_nothing(kind: Kind) -> bytes:
    """It is made of itself, and of what is not there."""
    items = grid(Coded.of(kind, small()), 1, 2)
    items[0].made_of = [1, 99]
    return file_of(kind, items)


BROKEN: dict[str, Make] = {
    "png chunks": lambda: into_png(*[chunk(b"prVt", b"")] * 2_000_000),
    "png flood in text": lambda: into_png(chunk(b"zTXt", b"a\0\0" + flood())),
    "png flood in words": lambda: into_png(chunk(b"iTXt", b"a\0\1\0\0\0" + flood())),
    "png flood in profile": lambda: into_png(chunk(b"iCCP", b"a\0\0" + flood())),
    "png floods": lambda: into_png(
        *[chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1_000_000)))] * 100
    ),
    "png palette without colours": lambda: raw_png((2, 1), 8, 3, b"\0\0\1"),
    "jpeg segments": lambda: into_jpeg(*[b"\xff\xec\0\2"] * 6_000_000),
    "jpeg scans": many_scans,
    "gif blocks": lambda: into_gif(*[b"!\xfe\1x\0"] * 4_000_000),
    "webp of a smaller canvas": lambda: webp_of_another_canvas(16, 16),
    "heic smaller by its boxes": claims("HEIF", 16, 16),
    "heic larger by its boxes": claims("HEIF", 6_000, 6_000),
    "avif boxes": lambda: encoded(small(), "AVIF") + box(b"free") * 2_000_000,
    "avif called heic": lambda: file_of("HEIF", still(Coded.of("AVIF", small())), b"heic"),
    "heic called avif": lambda: file_of("AVIF", still(Coded.of("HEIF", small())), b"avif"),
}


def hidden_giant() -> bytes:
    """67 megapixels of which the boxes say nothing."""
    coded = Coded.of("AVIF", Image.new("L", (8_192, 8_192), 90))
    return file_of("AVIF", still(coded, says_size=(64, 64)))


LIES: dict[str, Make] = {
    "jpeg of a larger size": lambda: jpeg_of_another_size(6_000, 6_000),
    "jpeg of a smaller size": lambda: jpeg_of_another_size(16, 16),
    "avif of a larger size": claims("AVIF", 6_000, 6_000),
    "avif of a smaller size": hidden_giant,
    "avif grid of nothing": lambda: grid_of_nothing("AVIF"),
    "heic grid of nothing": lambda: grid_of_nothing("HEIF"),
}
"""Some decoders fill up what is missing, as those of browsers do."""


# --- animated giants: the first frame is used ----------------------------------------------------


def many_frames_gif() -> bytes:
    gif = encoded(small().quantize(4), "GIF")
    return gif[:-1] + (b"," + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\2\2\x4c\1\0") * 1_000_000


def huge_frames_gif() -> bytes:
    first, other = (Image.new("P", (8_000, 4_900), index) for index in (0, 1))
    for frame in (first, other):
        frame.putpalette([*RED, *BLUE])
    others = [other, first, other]
    return encoded(first, "GIF", save_all=True, append_images=others, optimize=False)


def endless_apng() -> bytes:
    control = struct.pack(">IIIIIHHBB", 0, 128, 64, 0, 0, 1, 100, 0, 0)
    return into_png(chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)), chunk(b"fcTL", control))


def huge_frames_webp() -> bytes:
    frames = [Image.new("RGB", (4_000, 4_000), colour) for colour in (RED, BLUE, GREEN)]
    return encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], method=0)


def many_frames_avif() -> bytes:
    return encoded(small(), "AVIF", save_all=True, append_images=[small().rotate(180), small()] * 9)


ANIMATED: dict[str, Make] = {
    "gif of a million frames": many_frames_gif,
    "gif of huge frames": huge_frames_gif,
    "png of endless frames": endless_apng,
    "webp of huge frames": huge_frames_webp,
    "avif of frames": many_frames_avif,
}
