"""The decoder's cost, where the input is made to be dear."""

from time import process_time

import pytest

from bot.openrouter.stream import Decoder

HOSTILE = {
    "quotes in a picture": b'data: {"url":"data:image/png;base64,' + b'\\"' * 500_000 + b'"}\n\n',
    "backslashes": b'data: {"url":"data:image/png;base64,' + b"\\" * 1_000_000 + b'"}\n\n',
    "markers": b'data: {"x":"' + b'"data:image' * 90_000 + b'"}\n\n',
    "tiny pictures": b"data: [" + b'{"url":"data:image/png;base64,"},' * 30_000 + b"0]\n\n",
    "short lines": b"x\n" * 500_000,
    "carriage returns": b"\r" * 1_000_000,
    "blank space": b" " * 1_000_000,
    "data lines": b"data\n" * 200_000,
    "one long comment": b":" + b"x" * 1_000_000,
}


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("piece_bytes", [7, 16_384, 2_000_000])
def test_the_cost_is_linear_in_the_bytes(name: str, piece_bytes: int) -> None:
    """A megabyte takes well under seconds even where anything quadratic would take minutes."""
    answer = HOSTILE[name]
    pieces = [answer[at : at + piece_bytes] for at in range(0, len(answer), piece_bytes)]
    decoder = Decoder()
    start_s = process_time()
    for piece in pieces:
        for _ in decoder.feed(piece):
            pass
    for _ in decoder.close():
        pass
    assert process_time() - start_s < 5
