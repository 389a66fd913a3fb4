"""The CDN: signed links to uploaded files that die after a day, and the files themselves. It knows
nothing of messages.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

from aiohttp import web

from bot.sandbox.discord.failures import form_error
from bot.sandbox.discord.shapes import Json
from bot.sandbox.discord.wire import FAULT_KEY, answer, read_body
from bot.sandbox.discord.world import StoredFile, World

LINK_S = 24 * 60 * 60
CHUNK_BYTES = 16 * 1024
REFRESH_URLS_MAX = 50
GONE = "This content is no longer available."


class Cdn:
    """`url` is where it is served; it is known once the port is."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.url = ""
        self._key = secrets.token_bytes(32)
        world.file_url = self.link

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/cdn/attachments/{channel}/{file}/{name}", self.serve)]

    def link(self, file: StoredFile) -> str:
        """A fresh link, good for a day."""
        path = f"/attachments/{file.channel_id}/{file.id}/{file.name}"
        now = int(self.world.now())
        expires, issued = f"{now + LINK_S:x}", f"{now:x}"
        return f"{self.url}{path}?ex={expires}&is={issued}&hm={self._sign(path, expires, issued)}&"

    def _sign(self, path: str, expires: str, issued: str) -> str:
        text = f"{path}|{expires}|{issued}".encode()
        return hmac.new(self._key, text, hashlib.sha256).hexdigest()

    async def serve(self, request: web.Request) -> web.StreamResponse:
        file = self._file(request.path.removeprefix("/cdn"), request.query)
        if file is None:
            return web.Response(status=404, text=GONE)
        fault = request.get(FAULT_KEY)
        headers = {"Content-Type": file.content_type, "Content-Length": str(len(file.data))}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        end = len(file.data)
        if fault is not None and fault.cut_after_bytes is not None:
            end = min(end, fault.cut_after_bytes)
        for start in range(0, end, CHUNK_BYTES):
            await response.write(file.data[start : min(start + CHUNK_BYTES, end)])
            if fault is not None and fault.pace_s:
                await asyncio.sleep(fault.pace_s)
        if end < len(file.data) and request.transport is not None:
            request.transport.close()  # what was written still arrives
            return response
        await response.write_eof()
        return response

    def _file(self, path: str, query: Mapping[str, str]) -> StoredFile | None:
        """The file of a link that is ours and has not expired."""
        expires, issued = query.get("ex", ""), query.get("is", "")
        signed = self._sign(path, expires, issued)
        if not hmac.compare_digest(signed, query.get("hm", "")):
            return None
        if int(expires, 16) < self.world.now():
            return None
        return self.world.files.get(int(path.split("/")[3]))

    async def refresh(self, request: web.Request) -> web.StreamResponse:
        """POST /attachments/refresh-urls: fresh links for old ones, expired ones too."""
        body = (await read_body(request)).data
        urls: list[str] = body.get("attachment_urls") or []
        if not 1 <= len(urls) <= REFRESH_URLS_MAX:
            raise form_error("attachment_urls", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 50.")
        refreshed: list[Json] = []
        for url in urls:
            parts = ["", "", *urlsplit(url).path.split("/")]
            file = self.world.files.get(int(parts[-2])) if parts[-2].isdigit() else None
            fresh = None if file is None else self.link(file)
            refreshed.append({"original": url, "refreshed": fresh})
        return answer({"refreshed_urls": refreshed})
