"""The floor of a bot: discord.py, httpx and SQLite with nothing around them. Of each message that
begins with "bare" it posts one progress message, makes as many durable commits as it was told, and
sends the words, with the picture if there is one, to the model.

As a program its arguments are the stand-ins' addresses, how many commits for a message and how many
more for one with a picture, and where the database goes.
"""

import base64
import json
import sqlite3
import sys
from typing import Any

import discord
import discord.gateway
import discord.http
import httpx
import yarl


class Bare(discord.Client):
    def __init__(self, addresses: dict[str, Any], commits: tuple[int, int], path: str) -> None:
        intents = discord.Intents.none()
        intents.guilds = intents.guild_messages = intents.message_content = True
        super().__init__(intents=intents, max_messages=None, chunk_guilds_at_startup=False)
        self._addresses = addresses
        self._commits = commits
        self._database = sqlite3.connect(path, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, message INTEGER)")
        self._http = httpx.AsyncClient(trust_env=False, timeout=60)

    async def on_ready(self) -> None:
        print("ready", flush=True)

    async def on_message(self, message: discord.Message) -> None:
        if not message.content.startswith("bare"):
            return
        await message.channel.send("reading")
        for _ in range(self._commits[bool(message.attachments)]):
            self._database.execute("BEGIN IMMEDIATE")
            self._database.execute("INSERT INTO note (message) VALUES (?)", (message.id,))
            self._database.execute("COMMIT")
        content: list[dict[str, object]] = [{"type": "text", "text": message.content}]
        for attachment in message.attachments:
            data = base64.b64encode(await attachment.read()).decode()
            url = f"data:{attachment.content_type};base64,{data}"
            content.append({"type": "image_url", "image_url": {"url": url}})
        request = {
            "model": "openai/gpt-5.4-image-2",
            "modalities": ["image", "text"],
            "max_tokens": 16_000,
            "stream": True,
            "messages": [{"role": "user", "content": content}],
        }
        headers = {"Authorization": f"Bearer {self._addresses['api_key']}"}
        url = f"{self._addresses['base_url']}/chat/completions"
        async with self._http.stream("POST", url, json=request, headers=headers) as response:
            async for _ in response.aiter_raw():
                pass


def main() -> None:
    addresses: dict[str, Any] = json.loads(sys.argv[1])
    discord.http.Route.BASE = addresses["api_url"]
    gateway = yarl.URL(addresses["gateway_url"])
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = gateway
    # To its types a constant; there is no other way to another CDN.
    discord.Asset.BASE = addresses["cdn_url"]  # pyright: ignore[reportAttributeAccessIssue]
    commits = int(sys.argv[2]), int(sys.argv[3])
    Bare(addresses, commits, sys.argv[4]).run(addresses["token"], log_handler=None)


if __name__ == "__main__":
    main()
