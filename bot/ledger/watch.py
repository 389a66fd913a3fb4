"""Watches what the provider says of the key and the model, and tells the owner before it hurts:
credit that runs out, a price that changed, a model that will be gone. What is booked does not
depend on it.
"""

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date

from bot import words
from bot.clock import Clock, utc
from bot.conversation.prompt import Terms
from bot.money import NanoUsd, dollars, nano_usd
from bot.openrouter.client import KeyFacts, OpenRouter
from bot.openrouter.models import ModelFacts
from bot.store import told
from bot.store.database import Database, Transaction

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
    """Looks once an hour. `tell` says whether it reached the owner; what did not is tried again at
    the next look.
    """

    def __init__(
        self,
        *,
        database: Database,
        model: OpenRouter,
        clock: Clock,
        terms: Terms,
        tell: Callable[[str], Awaitable[bool]],
    ) -> None:
        self.seen = Seen()
        self._database = database
        self._model = model
        self._clock = clock
        self._model_id = terms.model
        self._price = terms.price
        self._tell = tell
        self._logged: set[str] = set()  # subjects that the owner does not have yet

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
            if self.seen.model.endpoints == 0:
                await self._say(
                    [f"no endpoint of {self._model_id}"], words.model_unoffered(self._model_id)
                )

    async def _compare_credit(self, left: NanoUsd) -> None:
        """One sentence for the lowest threshold crossed; those above count as told with it."""
        crossed = [threshold for threshold in CREDIT_LEFT_TOLD if left < threshold]
        for threshold in CREDIT_LEFT_TOLD:
            if threshold not in crossed:
                subject = f"credit below {threshold}"
                self._logged.discard(subject)
                await self._database.write(lambda tx, over=subject: told.forget(tx, over))
        subjects = [f"credit below {threshold}" for threshold in crossed]
        await self._say(subjects, words.credit_low(dollars(left, 2)))

    async def _compare_prices(self, facts: ModelFacts) -> None:
        for name in PUBLISHED:
            published: NanoUsd | None = getattr(facts, name)
            known: NanoUsd = getattr(self._price, name)
            if published is None or published == known:
                continue
            per_million = (NanoUsd(known * 10**6), NanoUsd(published * 10**6))
            await self._say(
                [f"price {self._model_id} {name} {published} not {known}"],
                words.price_changed(
                    self._model_id, name, dollars(per_million[0]), dollars(per_million[1])
                ),
            )

    async def _compare_end(self, ends_on: date | None) -> None:
        if ends_on is None:
            return
        days = (ends_on - utc(self._clock.now_ms()).date()).days
        if days <= MODEL_ENDS_WITHIN_DAYS:
            await self._say(
                [f"end of {self._model_id} on {ends_on}"],
                words.model_ends(self._model_id, ends_on.isoformat()),
            )

    async def _say(self, subjects: Sequence[str], sentence: str) -> None:
        """Says it unless all of its subjects were told; they are told when the owner has it. The
        log has it once, however often it is tried.
        """

        async def news_of(tx: Transaction) -> list[str]:
            return [each for each in subjects if await told.is_news(tx, each, AGAIN_AFTER_MS)]

        news = await self._database.read(news_of)

        async def note(tx: Transaction) -> None:
            for each in news:
                await told.note(tx, each)

        if not news:
            return
        if not self._logged.issuperset(news):
            log.error("for the owner: %s", sentence)
            self._logged.update(news)
        if await self._tell(sentence):
            await self._database.write(note)
            self._logged.difference_update(news)
