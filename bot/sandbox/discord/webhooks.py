"""The routes that an interaction's token opens: the callback, `@original` and the follow-ups. No
authorization but the token in the path.
"""

from aiohttp import web

from bot.sandbox.discord import payloads, posting
from bot.sandbox.discord.failures import Refusal
from bot.sandbox.discord.forms import read_draft
from bot.sandbox.discord.interactions import Interaction
from bot.sandbox.discord.wire import answer, read_body
from bot.sandbox.discord.world import World


class Webhooks:
    def __init__(self, world: World) -> None:
        self.world = world
        self.interactions: dict[int, Interaction] = {}

    def routes(self) -> list[web.RouteDef]:
        hook = "/webhooks/{application}/{token}"
        return [
            web.post("/interactions/{id}/{token}/callback", self.respond),
            web.post(hook, self.follow_up),
            web.get(hook + "/messages/{message}", self.get),
            web.patch(hook + "/messages/{message}", self.edit),
            web.delete(hook + "/messages/{message}", self.delete),
        ]

    def open(self, interaction: Interaction) -> None:
        """Deliver an interaction to the bot."""
        self.interactions[interaction.id] = interaction
        self.world.tell("INTERACTION_CREATE", interaction)

    def _of_token(self, request: web.Request) -> Interaction:
        if request.match_info["application"] != str(self.world.bot.id):
            raise Refusal(10015)
        for interaction in self.interactions.values():
            if interaction.token == request.match_info["token"]:
                return interaction
        raise Refusal(50027)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request)
        interaction = self.interactions.get(int(request.match_info["id"]))
        if interaction is None or interaction.token != request.match_info["token"]:
            raise Refusal(10062)
        acknowledged = interaction.respond(body.data, body.uploads)
        if request.query.get("with_response", "0").lower() in {"1", "true"}:
            return answer(acknowledged)
        return web.Response(status=204)

    async def follow_up(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request)
        message = self._of_token(request).follow_up(body.data, body.uploads)
        return answer(payloads.message(message))

    async def get(self, request: web.Request) -> web.StreamResponse:
        message = self._of_token(request).answer(request.match_info["message"])
        return answer(payloads.message(message))

    async def edit(self, request: web.Request) -> web.StreamResponse:
        body = await read_body(request)
        message = self._of_token(request).answer(request.match_info["message"])
        posting.edit(message, read_draft(body.data, body.uploads))
        return answer(payloads.message(message))

    async def delete(self, request: web.Request) -> web.StreamResponse:
        message = self._of_token(request).answer(request.match_info["message"])
        posting.remove(message)
        return web.Response(status=204)
