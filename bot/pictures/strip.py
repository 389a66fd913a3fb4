"""A PNG without its metadata, copied as it is compressed, which costs a tenth of decoding it and
writing it anew. Only the plainest kind is copied; what else there is, is `pixels`' to decode.
"""

import struct
import zlib
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
    the plainest kind, is larger than that, or is damaged in any way, checksums included.
    """
    data = Path(source).read_bytes()
    header, size, pixels = b"", (0, 0), list[memoryview]()
    if not data.startswith(SIGNATURE):
        return None
    view, at = memoryview(data), len(SIGNATURE)
    while True:
        if at + 12 > len(data):
            return None
        size_bytes, name = struct.unpack_from(">I4s", data, at)
        end = at + 12 + size_bytes
        chunk = view[at:end]
        body = chunk[8:-4]
        if end > len(data) or zlib.crc32(chunk[4:-4]) != int.from_bytes(chunk[-4:]):
            return None
        if not header and (name != b"IHDR" or size_bytes != 13 or tuple(body[8:]) != PLAIN):
            return None
        if name == b"IEND":
            break
        if name == b"IDAT":
            pixels.append(chunk)
        elif not header:
            header = bytes(chunk)
            size = struct.unpack_from(">II", header, 8)
            if max(size) > side_max:
                return None
        elif name not in DROPPED or bytes(body[:32]).startswith(TURNING):
            return None
        at = end
    if not _is_whole(pixels, *size):
        return None
    parts = [SIGNATURE, header, *pixels, chunk]
    if sum(map(len, parts)) > bytes_max:
        return None
    with Path(target).open("r+b") as file:
        file.truncate()
        file.writelines(parts)
    return size


def _is_whole(pixels: list[memoryview], width: int, height: int) -> bool:
    """Whether what is compressed is the rows of the picture, and nothing is hidden behind them."""
    unpacking = zlib.decompressobj()
    rows = bytearray()
    row_bytes = 1 + 3 * width
    missing = row_bytes * height
    try:
        for chunk in pixels:
            # One byte more than there may be, since 0 would be no limit.
            rows += unpacking.decompress(chunk[8:-4], missing + 1 - len(rows))
            if len(rows) > missing or unpacking.unconsumed_tail or unpacking.unused_data:
                return False
    except zlib.error:
        return False
    return unpacking.eof and len(rows) == missing > 0 and max(rows[::row_bytes]) <= FILTER_MAX
