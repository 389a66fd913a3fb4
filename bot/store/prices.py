"""Prices: what a model's tokens were priced at, from when on. A price is never changed; another one
is a new row.
"""

from typing import NamedTuple

from bot.money import NanoUsd
from bot.store.database import Transaction


class PerToken(NamedTuple):
    """Nano-dollars for a token of each sort."""

    input: NanoUsd
    cached_input: NanoUsd
    output: NanoUsd
    image_output: NanoUsd


async def id_of(tx: Transaction, model: str, per_token: PerToken) -> int:
    """The row of a model's present price: the newest if it says the same, else a new one. The
    database refuses what is below zero or absurdly high.
    """
    newest = await tx.one(
        "SELECT id, input, cached_input, output, image_output FROM price"
        " WHERE model = :model ORDER BY id DESC LIMIT 1",
        model=model,
    )
    if newest is not None and tuple(newest)[1:] == per_token:
        known_id: int = newest["id"]
        return known_id
    made = await tx.one(
        "INSERT INTO price (model, from_ms, input, cached_input, output, image_output)"
        " VALUES (:model, :now_ms, :input, :cached_input, :output, :image_output) RETURNING id",
        model=model,
        now_ms=tx.now_ms,
        **per_token._asdict(),
    )
    assert made is not None
    price_id: int = made["id"]
    return price_id


async def get(tx: Transaction, price_id: int) -> PerToken | None:
    """None for what was held before prices were kept."""
    row = await tx.one(
        "SELECT input, cached_input, output, image_output FROM price WHERE id = :id", id=price_id
    )
    return None if row is None else PerToken(*row)
