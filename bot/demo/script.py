"""What the stand-in model is told to answer to some words of the tour; to all others it answers by
itself.
"""

from bot.sandbox.openrouter import ModelSandbox, Paint, Say, Stall, answer

CODE = """Here is how the colours are mixed:

```python
def mix(first: tuple[int, ...], second: tuple[int, ...]) -> tuple[int, ...]:
    return tuple((a + b) // 2 for a, b in zip(first, second, strict=True))
```
And this is what comes out:"""

EXPLANATION = answer(
    Say(CODE),
    Paint("two colours and their mixture"),
    Say("The lower half is the mixture of the two above."),
)

BEGINNING = "I begin with the sky, and then every leaf one by one."
ENDLESS = answer(Say(BEGINNING), Stall())

LONG = "\n\n".join(
    f"**Night {night}.** The fox crosses the snow, sees {night} more stars, and is home by dawn."
    for night in range(1, 201)
)
"""More letters than a few messages hold."""


def tell(model: ModelSandbox) -> None:
    model.when(lambda call: call.words.endswith("with code"), EXPLANATION)
    model.when(lambda call: call.words.endswith("every single leaf"), ENDLESS)
    model.when(lambda call: call.words.endswith("in two hundred nights"), answer(Say(LONG)))
