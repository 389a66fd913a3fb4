import io

import pytest
from PIL import Image, ImageChops

from bot.sandbox import painting


def png(picture: Image.Image, form: str = "PNG") -> bytes:
    target = io.BytesIO()
    picture.save(target, form)
    return target.getvalue()


def opened(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image.copy()


def checkered(mode: str, width: int = 640, height: int = 520) -> Image.Image:
    noise = Image.effect_noise((width, height), 90)
    colours = Image.merge("RGB", (noise, ImageChops.invert(noise), noise))
    if mode == "RGBA":
        colours.putalpha(Image.effect_noise((width, height), 60))
        return colours
    return colours.convert(mode)


def test_the_same_words_and_size_are_the_same_pixels_and_other_words_are_others():
    first = painting.paint("a red fox", 256, 192)
    assert first.tobytes() == painting.paint("a red fox", 256, 192).tobytes()
    assert first.tobytes() != painting.paint("a blue fox", 256, 192).tobytes()


@pytest.mark.parametrize("size", painting.SIZES)
def test_every_shape_has_sides_of_sixteens_and_its_ratio(size: str):
    for ratio, (width, height) in painting.SIZES[size].items():
        across, down = map(int, ratio.split(":"))
        assert width % 16 == height % 16 == 0
        assert width / height == pytest.approx(across / down, rel=0.02)


@pytest.mark.parametrize("words", ["", "x" * 500, "東京 — 夜 😀", "two\nlines\tand tabs"])
def test_any_words_can_be_drawn(words: str):
    assert painting.paint(words, 320, 240).size == (320, 240)
    assert painting.edit(png(checkered("RGB")), words).size == (640, 520)


def test_a_picture_says_at_its_foot_that_it_is_a_stand_in():
    picture = painting.paint("a red fox", 512, 512)
    written = picture.crop((180, 470, 332, 512)).convert("L").histogram()
    beside = picture.crop((0, 470, 100, 512)).convert("L").histogram()
    assert sum(written[150:]) > 50
    assert sum(beside[150:]) == 0


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
def test_an_edit_keeps_every_pixel_and_its_alpha_outside_the_band(mode: str):
    source = checkered(mode)
    result = painting.edit(png(source), "give it a hat")
    rows = result.height - painting.band_height(result.height)
    kept = result.crop((0, 0, result.width, rows))
    wanted = source.convert(result.mode).crop((0, 0, source.width, rows))
    assert kept.tobytes() == wanted.tobytes()
    assert result.tobytes() != source.convert(result.mode).tobytes()
    assert (result.mode == "RGBA") == (mode == "RGBA")


def test_an_edit_of_a_palette_gif_keeps_its_pixels():
    source = png(checkered("RGB").convert("P"), "GIF")
    assert painting.keeps_pixels(png(painting.edit(source, "add a tree")), source)


def test_an_edit_is_recognised_as_its_source_and_not_as_another():
    source = png(painting.paint("a red fox", 640, 480))
    other = png(painting.paint("a blue fox", 640, 480))
    for words in ("give it a hat", "make it night"):
        result = png(painting.edit(source, words))
        assert painting.keeps_pixels(result, source)
        assert not painting.keeps_pixels(result, other)


def test_night_is_darker():
    source = painting.paint("a red fox", 640, 480)
    night = painting.edit(png(source), "make it night")
    top = (0, 0, 640, 300)
    brighter = ImageChops.subtract(night.crop(top), source.crop(top)).getbbox()
    assert brighter is None


def test_a_small_picture_is_enlarged_by_a_whole_factor():
    source = png(checkered("RGBA", 60, 40))
    result = painting.edit(source, "add a tree")
    assert result.size == (540, 360)
    assert painting.keeps_pixels(png(result), source)


@pytest.mark.parametrize("ratio", ["16:9", "9:16", "1:1"])
def test_an_edit_into_another_shape_puts_the_input_whole_into_its_middle(ratio: str):
    source = png(checkered("RGB"))
    result = painting.edit(source, "add a tree", ratio)
    across, down = map(int, ratio.split(":"))
    assert result.width / result.height == pytest.approx(across / down, rel=0.01)
    assert painting.keeps_pixels(png(result), source)


@pytest.mark.parametrize("media_type", ["image/png", "image/jpeg", "image/webp"])
def test_a_file_is_of_the_type_asked_for(media_type: str):
    data = painting.encode(painting.paint("fox", 128, 96), media_type, "fox")
    with Image.open(io.BytesIO(data)) as image:
        assert image.get_format_mimetype() == media_type


def test_a_png_carries_its_words():
    data = painting.encode(painting.paint("ein Fuchs", 128, 96), "image/png", "ein Füchslein")
    assert painting.words_of(data) == "ein Füchslein"
    assert painting.words_of(png(checkered("RGB"))) is None


def test_no_other_type_is_written():
    with pytest.raises(ValueError, match="image/tiff"):
        painting.encode(painting.paint("fox", 16, 16), "image/tiff", "fox")
