"""Copies of originals without any loss."""

from pathlib import Path

import pytest
from PIL import Image

from bot.errors import Notice, Word
from bot.pictures.pixels import repack
from tests.pictures.paint import BLUE, GOLD, RED, blocks, encoded, noise


def packed(tmp_path: Path, data: bytes, bytes_max: int) -> tuple[Path, str]:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(data)
    target.touch()
    return target, repack(str(source), str(target), bytes_max)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P"])
def test_the_pixels_are_the_very_same(tmp_path: Path, mode: str):
    image = blocks([[RED, BLUE], [GOLD, RED]], side=64)
    image.paste(noise(64, 64), (32, 32))
    if mode == "RGBA":
        image.putalpha(noise(128, 128, "L"))  # with colours also where nothing is seen of them
    image = image.convert(mode)
    data = encoded(image, "PNG", compress_level=0)
    target, suffix = packed(tmp_path, data, len(data) - 1)
    assert target.stat().st_size < len(data)
    assert suffix == (".webp" if mode.startswith("RGB") else ".png")
    with Image.open(target) as copy:
        assert copy.convert("RGBA").tobytes() == image.convert("RGBA").tobytes()


def test_what_does_not_fit_without_loss_is_said(tmp_path: Path):
    data = encoded(noise(64, 64), "PNG")
    with pytest.raises(Notice) as raised:
        packed(tmp_path, data, len(data) // 2)
    assert raised.value.word is Word.TOO_LARGE


def test_an_animation_is_not_passed_off_as_its_first_frame(tmp_path: Path):
    frames = [blocks([[colour]], side=64) for colour in (RED, BLUE)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    with pytest.raises(Notice):
        packed(tmp_path, data, 10_000_000)
