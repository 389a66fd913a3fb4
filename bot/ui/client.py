"""discord.py's client as Easel uses it: what it asks Discord to hear, where Discord is, and how it
logs in. What is done with events is the cogs'.
"""

import aiohttp
import discord
import discord.gateway
import discord.http
import yarl
from discord.ext import commands

from bot import words
from bot.errors import StartError
from bot.settings import Settings
from bot.ui.commands import Tree


class Client(commands.Bot):
    """discord.py's bot; what it does on its way up is passed in."""

    def __init__(self, settings: Settings, guild_ready_timeout_s: float) -> None:
        # Easel never speaks aloud; without these the log would begin with two warnings about it.
        discord.VoiceClient.warn_nacl = False
        discord.VoiceClient.warn_dave = False
        intents = discord.Intents.none()
        intents.guilds = True
        intents.guild_messages = True
        intents.dm_messages = True
        intents.guild_reactions = True
        intents.dm_reactions = True
        intents.message_content = settings.discord.message_content
        super().__init__(
            command_prefix=commands.when_mentioned,
            help_command=None,
            intents=intents,
            tree_cls=Tree,
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            chunk_guilds_at_startup=False,
            guild_ready_timeout=guild_ready_timeout_s,
        )

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Nothing: `gateway` leaves more time between two sessions than discord.py would."""

    def is_connected(self) -> bool:
        """Whether events arrive: once it was ready, and while its socket is open."""
        return self.is_ready() and self.ws.open

    async def on_message(self, message: discord.Message, /) -> None:
        """Nothing: commands with a prefix do not exist here, and the cog hears messages."""


def point_at(settings: Settings) -> None:
    """Tells discord.py other addresses than its own, where the settings name some."""
    if settings.discord.api_url is not None:
        discord.http.Route.BASE = settings.discord.api_url
    if settings.discord.gateway_url is not None:
        gateway = yarl.URL(settings.discord.gateway_url)
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = gateway
    if settings.discord.cdn_url is not None:
        # To its types a constant; there is no other way to another CDN.
        discord.Asset.BASE = settings.discord.cdn_url  # pyright: ignore[reportAttributeAccessIssue]


async def log_in(client: Client, token: str) -> None:
    try:
        await client.login(token)
    except discord.LoginFailure as error:
        raise StartError(words.token_refused()) from error
    except (discord.HTTPException, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise StartError(words.discord_unreachable(type(error).__name__)) from error
