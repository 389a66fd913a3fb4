"""A PNG without its metadata, copied as it is compressed, which costs a tenth of decoding it and
writing it anew. Only the plainest kind is copied; what else there is, is `pixels`' to decode.
"""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

SIGNATURE = b"\x89PNG\r\n\x1a\n"
PLAIN = (8, 2, 0, 0, 0)
"""Eight bits a channel, RGB, and the only ways to compress, filter and not to interlace.
Source: https://www.w3.org/TR/png-3/#11IHDR (2026-08)."""
FILTER_MAX = 4
DROPPED = {b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"sRGB", b"gAMA", b"cHRM", b"sBIT", b"bKGD"}
"""Say nothing of how the pixels are to be shown that a decoding of ours would heed."""
TURNING = (b"Raw profile type ", b"XML:com.adobe.xmp")
"""Text by these names may say how the picture is to be turned."""


def strip(source: str, target: str, side_max: int, bytes_max: int) -> tuple[int, int] | None:
    """Writes the PNG's header and pixels, and nothing else, into the existing file `target` and
    gives its width and height. None, and nothing of use in the target, for a picture that is not of
    the plainest kind, is larger than that, or whose chunks are damaged, checksums included. What is
    compressed in them is looked at by `is_whole`.
    """
    data = Path(source).read_bytes()
    kept, size = list[memoryview](), (0, 0)
    for name, chunk in _chunks(data):
        body = chunk[8:-4]
        if not kept:
            if name != b"IHDR" or len(body) != 13 or tuple(body[8:]) != PLAIN:
                return None
            size = struct.unpack_from(">II", body)
            if max(size) > side_max:
                return None
        elif name not in {b"IDAT", b"IEND"}:
            if name not in DROPPED or bytes(body[:32]).startswith(TURNING):
                return None
            continue
        kept.append(chunk)
        if name == b"IEND":
            break
    else:
        return None
    if len(SIGNATURE) + sum(map(len, kept)) > bytes_max:
        return None
    with Path(target).open("r+b") as file:
        file.truncate()
        file.writelines((SIGNATURE, *kept))
    return size


def is_whole(path: str, width: int, height: int) -> bool:
    """Whether what is compressed in a PNG of `strip`'s is the rows of its picture, and nothing is
    hidden behind them. It takes several times as long as the copying.
    """
    unpacking = zlib.decompressobj()
    rows = bytearray()
    row_bytes = 1 + 3 * width
    missing = row_bytes * height
    try:
        for name, chunk in _chunks(Path(path).read_bytes()):
            if name != b"IDAT":
                continue
            # One byte more than there may be, since 0 would be no limit.
            rows += unpacking.decompress(chunk[8:-4], missing + 1 - len(rows))
            if len(rows) > missing or unpacking.unconsumed_tail or unpacking.unused_data:
                return False
    except zlib.error:
        return False
    return unpacking.eof and len(rows) == missing > 0 and max(rows[::row_bytes]) <= FILTER_MAX


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The chunks of a PNG, each with its name, up to the first that is cut or damaged."""
    view, at = memoryview(data), len(SIGNATURE)
    while data.startswith(SIGNATURE) and at + 12 <= len(data):
        size_bytes, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size_bytes
        chunk = view[at:end]
        if end > len(data) or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            return
        yield name, chunk
        at = end
