"""Watches what the provider says of the key and the model, and tells the owner before it hurts:
credit that runs out, a price that changed, a model that will be gone. What is booked does not
depend on it.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date

from bot import words
from bot.clock import Clock, utc
from bot.conversation.prompt import Terms
from bot.money import NanoUsd, dollars, nano_usd
from bot.openrouter.client import KeyFacts, OpenRouter
from bot.openrouter.models import ModelFacts
from bot.store import told
from bot.store.database import Database

LOOK_PAUSE_S = 3_600.0
CREDIT_LEFT_TOLD = (nano_usd(20), nano_usd(5), nano_usd(1))
"""The owner is told once when less than each of these is left: about 100, 25 and 5 pictures."""
MODEL_ENDS_WITHIN_DAYS = 30
AGAIN_AFTER_MS = 7 * 24 * 3_600 * 1_000
PUBLISHED = ("input", "cached_input", "output")

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Seen:
    """What the last look found; None where the provider did not say."""

    key: KeyFacts | None = None
    model: ModelFacts | None = None


class Watch:
    """Looks once an hour. `tell` reaches the owner."""

    def __init__(
        self,
        *,
        database: Database,
        model: OpenRouter,
        clock: Clock,
        terms: Terms,
        tell: Callable[[str], Awaitable[None]],
    ) -> None:
        self.seen = Seen()
        self._database = database
        self._model = model
        self._clock = clock
        self._model_id = terms.model
        self._price = terms.price
        self._tell = tell

    async def run(self) -> None:
        """Never returns, whatever a look runs into."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("the provider could not be watched this time")
            await self._clock.sleep(LOOK_PAUSE_S)

    async def look(self) -> None:
        """Asks the provider and tells the owner what is new."""
        self.seen = Seen(await self._model.key(), await self._model.model(self._model_id))
        if self.seen.key is not None and self.seen.key.remaining_nano_usd is not None:
            await self._compare_credit(self.seen.key.remaining_nano_usd)
        if self.seen.model is not None:
            await self._compare_prices(self.seen.model)
            await self._compare_end(self.seen.model.ends_on)

    async def _compare_credit(self, left: NanoUsd) -> None:
        """One sentence for the lowest threshold crossed; those above count as told with it."""
        crossed = [threshold for threshold in CREDIT_LEFT_TOLD if left < threshold]
        news = [each for each in crossed if await self._is_news(f"credit below {each}")]
        for threshold in CREDIT_LEFT_TOLD:
            if threshold not in crossed:
                subject = f"credit below {threshold}"
                await self._database.write(lambda tx, over=subject: told.forget(tx, over))
        if news:
            await self._tell(words.credit_low(dollars(left, 2)))

    async def _compare_prices(self, facts: ModelFacts) -> None:
        for name in PUBLISHED:
            published: NanoUsd | None = getattr(facts, name)
            known: NanoUsd = getattr(self._price, name)
            if published is None or published == known:
                continue
            if await self._is_news(f"price {self._model_id} {name} {published} not {known}"):
                per_million = (NanoUsd(known * 10**6), NanoUsd(published * 10**6))
                await self._tell(
                    words.price_changed(
                        self._model_id, name, dollars(per_million[0]), dollars(per_million[1])
                    )
                )

    async def _compare_end(self, ends_on: date | None) -> None:
        if ends_on is None:
            return
        days = (ends_on - utc(self._clock.now_ms()).date()).days
        if days <= MODEL_ENDS_WITHIN_DAYS and await self._is_news(
            f"end of {self._model_id} on {ends_on}"
        ):
            await self._tell(words.model_ends(self._model_id, ends_on.isoformat()))

    async def _is_news(self, subject: str) -> bool:
        return await self._database.write(lambda tx: told.claim(tx, subject, AGAIN_AFTER_MS))
