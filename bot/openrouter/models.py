"""What OpenRouter publishes about a model: what it costs and until when it is offered. Its image
output price is not published (no capture of `/models` has one, 2026-08): that one is configured.
"""

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation

from bot.money import NanoUsd, nano_usd
from bot.openrouter.facts import Json, as_items, as_object, as_text

USD_PER_TOKEN_MAX = Decimal("0.01")
"""A published price above this, $10,000 per million, is a mistake, and so is one below zero."""


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """A model as it is published. Prices are per token; None where none, or nonsense, is said.
    `endpoints` is how many providers offer it now.
    """

    id: str
    input: NanoUsd | None
    cached_input: NanoUsd | None
    output: NanoUsd | None
    ends_on: date | None
    endpoints: int | None = None


def find_model(value: object, model: str) -> ModelFacts | None:
    """The model of this id or dated slug in an answer of `/models`, or None."""
    for item in as_items(as_object(value).get("data")):
        row = as_object(item)
        if model in {as_text(row.get("id")), as_text(row.get("canonical_slug"))}:
            return _facts(row, model)
    return None


def at_endpoints(facts: ModelFacts, value: object) -> ModelFacts:
    """The facts with an answer of `/models/{id}/endpoints`: of several prices the highest, since a
    call may go to any provider.
    """
    data = as_object(as_object(value).get("data"))
    if "endpoints" not in data:
        return facts
    offers = [_facts(as_object(row), facts.id) for row in as_items(data["endpoints"])]
    return replace(
        facts,
        input=_highest(facts.input, *(offer.input for offer in offers)),
        cached_input=_highest(facts.cached_input, *(offer.cached_input for offer in offers)),
        output=_highest(facts.output, *(offer.output for offer in offers)),
        endpoints=len(offers),
    )


def _highest(*prices: NanoUsd | None) -> NanoUsd | None:
    return max((price for price in prices if price is not None), default=None)


def _facts(row: Json, model: str) -> ModelFacts:
    pricing = as_object(row.get("pricing"))
    return ModelFacts(
        id=model,
        input=_price(pricing.get("prompt")),
        cached_input=_price(pricing.get("input_cache_read")),
        output=_price(pricing.get("completion")),
        ends_on=_day(row.get("expiration_date")),
    )


def _price(value: object) -> NanoUsd | None:
    """Published prices are texts of dollars per token."""
    try:
        price = Decimal(as_text(value))
        return nano_usd(price) if 0 <= price <= USD_PER_TOKEN_MAX else None
    except (InvalidOperation, ValueError):
        return None


def _day(value: object) -> date | None:
    try:
        return date.fromisoformat(as_text(value)[:10])
    except ValueError:
        return None
