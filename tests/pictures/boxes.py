"""AVIF and HEIC files made by hand: an encoded picture with the boxes around it that a test wants.

Source of the layout: ISO/IEC 14496-12 (boxes, items) and 23008-12 (properties, derived pictures).
"""

import io
import struct
from dataclasses import dataclass, field
from typing import Literal

import pillow_heif
from PIL import Image

Kind = Literal["AVIF", "HEIF"]

CODINGS = {"AVIF": (b"av01", b"av1C"), "HEIF": (b"hvc1", b"hvcC")}
BRANDS = {"AVIF": b"avif", "HEIF": b"heic"}


def learn_heif() -> None:
    """Tells Pillow of HEIC here as well, so that tests can write it."""
    # The library leaves its options untyped.
    pillow_heif.register_heif_opener()  # pyright: ignore[reportUnknownMemberType]


def box(name: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">I", len(data) + 8) + name + data


def full_box(name: bytes, version: int, *content: bytes) -> bytes:
    return box(name, struct.pack(">I", version << 24), *content)


@dataclass(frozen=True)
class Coded:
    """One picture as its codec has it, and what the codec must be told to read it."""

    kind: Kind
    size: tuple[int, int]
    data: bytes
    configuration: bytes

    @classmethod
    def of(cls, kind: Kind, image: Image.Image) -> "Coded":
        """Sides that are multiples of 64 keep encoders from padding."""
        target = io.BytesIO()
        learn_heif()
        image.save(target, kind, quality=90)
        return cls.inside(kind, image.size, target.getvalue())

    @classmethod
    def inside(cls, kind: Kind, size: tuple[int, int], file: bytes) -> "Coded":
        """The only picture of a file without metadata."""
        name = CODINGS[kind][1]
        at = file.index(name) - 4
        configuration = file[at : at + int.from_bytes(file[at : at + 4], "big")]
        return cls(kind, size, file[file.index(b"mdat") + 4 :], configuration)


@dataclass
class Item:
    """`kind` is its four letters; `properties` are whole boxes, shared where they are equal."""

    kind: bytes
    data: bytes
    properties: list[bytes] = field(default_factory=list[bytes])
    made_of: list[int] = field(default_factory=list[int])
    describes: int = 0
    content_type: bytes = b""


def size_box(size: tuple[int, int]) -> bytes:
    return full_box(b"ispe", 0, struct.pack(">II", *size))


def turn_boxes(orientation: int) -> list[bytes]:
    """What turns and mirrors the stored picture as that EXIF orientation would."""
    # Turned anticlockwise by so many quarters, then mirrored: the order that MIAF demands.
    mirror, quarters = {
        1: (None, 0),
        2: (1, 0),
        3: (None, 2),
        4: (0, 0),
        5: (0, 1),
        6: (None, 3),
        7: (0, 3),
        8: (None, 1),
    }[orientation]
    turn = [box(b"irot", bytes([quarters]))] if quarters else []
    return turn if mirror is None else [*turn, box(b"imir", bytes([mirror]))]


def still(coded: Coded, *properties: bytes, says_size: tuple[int, int] | None = None) -> list[Item]:
    """One picture, of the size that it says it has."""
    own = [size_box(says_size or coded.size), coded.configuration, *properties]
    return [Item(CODINGS[coded.kind][0], coded.data, own)]


def grid(coded: Coded, columns: int, rows: int, size: tuple[int, int] | None = None) -> list[Item]:
    """The same tile in every place; all of them are kept in the file but once."""
    width, height = size or (coded.size[0] * columns, coded.size[1] * rows)
    layout = bytes([0, 1, rows - 1, columns - 1]) + struct.pack(">II", width, height)
    tiles = still(coded) * (columns * rows)
    whole = Item(b"grid", layout, [size_box((width, height))], list(range(2, len(tiles) + 2)))
    return [whole, *tiles]


def exif_item(tags: Image.Exif) -> Item:
    return Item(b"Exif", b"\0\0\0\x06" + tags.tobytes(), describes=1)


def xmp_item(text: bytes, content_encoding: bytes = b"") -> Item:
    kind = b"application/rdf+xml\0" + (content_encoding and content_encoding + b"\0")
    return Item(b"mime", text, describes=1, content_type=kind)


def file_of(kind: Kind, items: list[Item], brand: bytes | None = None) -> bytes:
    """A file whose first item is the picture."""
    brand = brand or BRANDS[kind]
    start = box(b"ftyp", brand, bytes(4), b"mif1", BRANDS[kind], b"miaf")
    kept: dict[bytes, int] = {}
    for item in items:
        kept.setdefault(item.data, sum(map(len, kept)))
    size = len(start) + len(_meta(items, kept, 0)) + 8
    return start + _meta(items, kept, size) + box(b"mdat", *kept)


def _meta(items: list[Item], kept: dict[bytes, int], start: int) -> bytes:
    numbered = list(enumerate(items, 1))
    places = b"".join(
        struct.pack(">HHHII", number, 0, 1, start + kept[item.data], len(item.data))
        for number, item in numbered
    )
    entries = b"".join(
        full_box(b"infe", 2, struct.pack(">HH", number, 0), item.kind + b"\0", item.content_type)
        for number, item in numbered
    )
    references = b"".join(
        box(name, struct.pack(f">HH{len(to)}H", number, len(to), *to))
        for number, item in numbered
        for name, to in ((b"dimg", item.made_of), (b"cdsc", [item.describes]))
        if any(to)
    )
    return full_box(
        b"meta",
        0,
        full_box(b"hdlr", 0, bytes(4), b"pict", bytes(13)),
        full_box(b"pitm", 0, struct.pack(">H", 1)),
        full_box(b"iloc", 0, b"\x44\0", struct.pack(">H", len(items)), places),
        full_box(b"iinf", 0, struct.pack(">H", len(items)), entries),
        *([full_box(b"iref", 0, references)] if references else []),
        _properties(items),
    )


def _properties(items: list[Item]) -> bytes:
    shared = list(dict.fromkeys(one for item in items for one in item.properties))
    places = {one: place for place, one in enumerate(shared, 1)}
    essential = {b"av1C", b"hvcC", b"irot", b"imir"}
    told = b""
    for number, item in enumerate(items, 1):
        marks = [places[one] | (0x80 if one[4:8] in essential else 0) for one in item.properties]
        told += struct.pack(">HB", number, len(marks)) + bytes(marks)
    with_any = struct.pack(">I", len(items))
    return box(b"iprp", box(b"ipco", *shared), full_box(b"ipma", 0, with_any, told))
