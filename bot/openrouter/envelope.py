"""The envelope around the words of an answer's parts, which is the same for hundreds of them in a
row: once it is known, only the words are looked at. What comes in it is just what parsing gives.
"""

import secrets
from dataclasses import replace

from bot.openrouter.facts import Chunk, chunk_of
from bot.openrouter.stream import parse


class Envelope:
    """What stands before and behind the words in the events of one answer.

    This is exact. JSON that is in the middle of a string stays there over anything but a quote or a
    backslash, so that two texts which differ in nothing else differ in this string alone. That the
    string is the words, and begins and ends where it seems to, is tried out with others that
    nobody can foresee.
    """

    def __init__(self) -> None:
        self._probe = f"words-{secrets.token_hex(8)}"
        self._head = b""
        self._tail = b""
        self._candidate = b"", b""

    def words(self, piece: bytes) -> str | None:
        """What a piece of the stream says that begins with an event and is all of it; None: it has
        to be read in full.
        """
        head, tail = self._head, self._tail
        if not head or not piece.startswith(head) or not piece.endswith(tail):
            return None
        words = piece[len(head) : -len(tail)]
        is_plain = not (b'"' in words or b"\\" in words or b"\n" in words or b"\r" in words)
        if not is_plain or len(head) + len(tail) > len(piece):
            return None
        return words.decode("utf-8", "replace")

    def learn(self, event: bytes, chunk: Chunk) -> None:
        """Takes the envelope of an event of text alone, once it comes again."""
        words = chunk.text.encode("utf-8", "surrogatepass")
        head, found, rest = event.partition(b'"%b"' % words)
        if not chunk.is_text_alone or not found or b"\n" in event:
            return
        before, self._candidate = self._candidate, (head + b'"', b'"' + rest)
        if self._candidate == before and self._is_true(*before, chunk):
            head, tail = before
            self._head, self._tail = b"data: " + head, tail + b"\n\n"

    def _is_true(self, head: bytes, tail: bytes, chunk: Chunk) -> bool:
        try:
            probed = chunk_of(parse(head + self._probe.encode() + tail))
        except ValueError:
            return False
        return probed == replace(chunk, text=self._probe)
