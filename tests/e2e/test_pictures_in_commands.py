"""The pictures, the shape and the size that a command names."""

import pytest

from tests.e2e.photos import meant, model_saw, opened, png, said
from tests.e2e.stage import Stage
from tests.pictures.paint import BLUE, GOLD, GREEN, RED


async def test_edit_takes_its_pictures_in_order_and_its_shape(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel,
        "edit",
        picture=("a.png", png(RED)),
        prompt="together",
        picture2=("b.png", png(GREEN)),
        picture3=("c.png", png(BLUE)),
        shape="wide",
    )
    await stage.answers(stage.channel, used.id)
    await model_saw(stage, RED, GREEN, BLUE)
    assert stage.model.calls[-1].request["image_config"] == {"aspect_ratio": "16:9"}


async def test_imagine_takes_references_in_order_and_shape_and_size(stage: Stage):
    await stage.start()
    used = await stage.mara.command(
        stage.channel,
        "imagine",
        prompt="a tall tale",
        reference=("a.png", png(GOLD)),
        reference2=("b.png", png(RED)),
        reference3=("c.png", png(GREEN)),
        shape="tall",
        size="2K",
    )
    await stage.answers(stage.channel, used.id)
    await model_saw(stage, GOLD, RED, GREEN)
    config = stage.model.calls[-1].request["image_config"]
    assert config == {"aspect_ratio": "9:16", "image_size": "2K"}


@pytest.mark.parametrize(
    ("shape", "ratio"),
    [("square", "1:1"), ("portrait", "3:4"), ("landscape", "4:3")],
)
async def test_imagine_paints_in_the_shape_asked(stage: Stage, shape: str, ratio: str):
    await stage.start()
    used = await stage.mara.command(stage.channel, "imagine", prompt="a fox", shape=shape)
    (answer,) = await stage.answers(stage.channel, used.id)
    assert stage.model.calls[-1].request["image_config"] == {"aspect_ratio": ratio}
    across, down = map(int, ratio.split(":"))
    picture = opened(answer.attachments[0].data)
    assert abs(picture.width / picture.height - across / down) < 0.02
    assert said(stage.model.calls[-1])[-1][1].startswith("a fox")


async def test_imagine_in_a_conversation_paints_anew(stage: Stage):
    await stage.start()
    thread, _ = await stage.ask_in_thread("a red fox")
    used = await stage.theo.command(thread, "imagine", prompt="a blue whale")
    await stage.answers(thread, used.id)
    assert meant(stage.model.calls[-1]) == []
    assert ("user", "a red fox") in said(stage.model.calls[-1])
