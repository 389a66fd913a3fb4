"""Bodies of requests judged as Discord judges them: lengths, counts, shapes and sizes. A function
reads foreign JSON and gives plain values, or raises the refusal Discord would answer with. Nothing
is looked up or changed here.
"""

from dataclasses import dataclass, field
from typing import cast

from bot.sandbox.discord.failures import Refusal, form_error
from bot.sandbox.discord.shapes import MIB, Json
from bot.sandbox.discord.world import walk

REQUEST_BYTES_MAX = 25 * MIB
CONTENT_CHARS_MAX = 2000
V2_TEXT_CHARS_MAX = 4000
V2_COMPONENTS_MAX = 40
ATTACHMENTS_MAX = 10
DESCRIPTION_CHARS_MAX = 1024
NONCE_CHARS_MAX = 25
EMBEDS_MAX = 10
EMBED_CHARS_MAX = 6000
EMBED_FIELDS_MAX = 25
ROWS_MAX = 5
BUTTONS_IN_ROW_MAX = 5
AUTO_ARCHIVE_MINUTES = frozenset({60, 1440, 4320, 10080})

_EMBED_LIMITS = {"title": 256, "description": 4096, "footer.text": 2048, "author.name": 256}
_BUTTON, _ROW, _TEXT_DISPLAY = 2, 1, 10


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part `files[index]` of a multipart request, or a person's file."""

    index: int
    name: str
    data: bytes
    description: str | None = None


@dataclass(slots=True)
class Draft:
    """A judged message body. None: the key was absent. `kept` are ids of files to keep."""

    content: str | None = None
    embeds: list[Json] | None = None
    components: list[Json] | None = None
    uploads: list[Upload] = field(default_factory=list[Upload])
    kept: list[int] | None = None
    flags: int = 0
    nonce: str | None = None
    enforce_nonce: bool = False
    allowed_mentions: Json | None = None
    reference: Json | None = None

    @property
    def is_v2(self) -> bool:
        return bool(self.flags & 1 << 15)


def objects(body: Json, key: str) -> list[Json] | None:
    """The list of objects under a key; None if the key is absent, [] if it is null."""
    if key not in body:
        return None
    value: object = body[key]
    if value is None:
        return []
    if not isinstance(value, list):
        raise form_error(key, "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    items = cast("list[object]", value)  # isinstance cannot narrow what a list holds
    for number, item in enumerate(items):
        if not isinstance(item, dict):
            message = "Only dictionaries may be used in a ModelType"
            raise form_error(f"{key}.{number}", "MODEL_TYPE_CONVERT", message)
    return cast("list[Json]", items)  # every item was just checked


def text(body: Json, key: str, chars_min: int, chars_max: int) -> str | None:
    """The string under a key; None if it is absent or null."""
    value: object = body.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise form_error(key, "STRING_TYPE_CONVERT", f"Could not interpret {value!r} as string.")
    if len(value) > chars_max:
        message = f"Must be {chars_max} or fewer in length."
        raise form_error(key, "BASE_TYPE_MAX_LENGTH", message)
    if len(value) < chars_min:
        message = f"Must be between {chars_min} and {chars_max} in length."
        raise form_error(key, "BASE_TYPE_BAD_LENGTH", message)
    return value


def read_draft(body: Json, uploads: list[Upload]) -> Draft:
    """A message body, for sending or editing. Refuses with 50035, 30015 or 40005."""
    if sum(len(upload.data) for upload in uploads) > REQUEST_BYTES_MAX:
        raise Refusal(40005)
    draft = Draft(
        embeds=objects(body, "embeds"),
        components=objects(body, "components"),
        flags=int(body.get("flags") or 0),
        enforce_nonce=bool(body.get("enforce_nonce")),
        allowed_mentions=body.get("allowed_mentions"),
        reference=body.get("message_reference"),
    )
    if "content" in body:
        draft.content = text(body, "content", 0, CONTENT_CHARS_MAX) or ""
    if body.get("nonce") is not None:
        draft.nonce = text({"nonce": str(body["nonce"])}, "nonce", 0, NONCE_CHARS_MAX)
    _read_attachments(draft, body, uploads)
    _check_embeds(draft.embeds or [])
    _check_components(draft)
    _check_allowed_mentions(draft.allowed_mentions)
    return draft


def _read_attachments(draft: Draft, body: Json, uploads: list[Upload]) -> None:
    listed = objects(body, "attachments")
    by_index = {upload.index: upload for upload in uploads}
    if listed is None:
        draft.uploads = uploads
    else:
        draft.kept = []
        for number, item in enumerate(listed):
            described = text(item, "description", 0, DESCRIPTION_CHARS_MAX)
            upload = by_index.pop(_snowflake(item.get("id"), f"attachments.{number}.id"), None)
            if upload is None:
                draft.kept.append(int(item["id"]))
                continue
            name = str(item.get("filename") or upload.name)
            draft.uploads.append(Upload(upload.index, name, upload.data, described))
        draft.uploads += by_index.values()
    if len(draft.uploads) + len(draft.kept or ()) > ATTACHMENTS_MAX:
        raise Refusal(30015)


def _snowflake(value: object, path: str) -> int:
    if isinstance(value, int | str) and str(value).isdigit():
        return int(value)
    raise form_error(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')


def _check_embeds(embeds: list[Json]) -> None:
    if len(embeds) > EMBEDS_MAX:
        raise form_error("embeds", "BASE_TYPE_MAX_LENGTH", "Must be 10 or fewer in length.")
    total = 0
    for number, embed in enumerate(embeds):
        fields = objects(embed, "fields") or []
        if len(fields) > EMBED_FIELDS_MAX:
            path = f"embeds.{number}.fields"
            raise form_error(path, "BASE_TYPE_MAX_LENGTH", "Must be 25 or fewer in length.")
        for path, chars_max in _EMBED_LIMITS.items():
            key, _, inner = path.partition(".")
            owner: Json = (embed.get(key) or {}) if inner else embed
            value = owner.get(inner or key) or ""
            total += _check_length(f"embeds.{number}.{path}", value, chars_max)
        for place, item in enumerate(fields):
            for key, chars_max in (("name", 256), ("value", 1024)):
                path = f"embeds.{number}.fields.{place}.{key}"
                if not item.get(key):
                    raise form_error(path, "BASE_TYPE_REQUIRED", "This field is required")
                total += _check_length(path, item[key], chars_max)
    if total > EMBED_CHARS_MAX:
        message = "Embed size exceeds maximum size of 6000"
        raise form_error("embeds", "MAX_EMBED_SIZE_EXCEEDED", message)


def _check_length(path: str, value: object, chars_max: int) -> int:
    length = len(str(value))
    if length > chars_max:
        message = f"Must be {chars_max} or fewer in length."
        raise form_error(path, "BASE_TYPE_MAX_LENGTH", message)
    return length


def _check_components(draft: Draft) -> None:
    components = draft.components or []
    every = [part for part in walk(components) if "type" in part]
    if draft.is_v2:
        if draft.content or draft.embeds:
            message = "The 'content' and 'embeds' fields cannot be used with IS_COMPONENTS_V2"
            raise form_error("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS", message)
        shown = sum(len(part.get("content", "")) for part in every if part["type"] == _TEXT_DISPLAY)
        if len(every) > V2_COMPONENTS_MAX or shown > V2_TEXT_CHARS_MAX:
            raise form_error("components", "BASE_TYPE_MAX_LENGTH", "Too many components or text.")
    elif len(components) > ROWS_MAX or any(row.get("type") != _ROW for row in components):
        raise form_error("components", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 rows.")
    for number, row in enumerate(components):
        buttons = len(objects(row, "components") or ()) if row.get("type") == _ROW else 1
        if not 1 <= buttons <= BUTTONS_IN_ROW_MAX:
            path = f"components.{number}.components"
            raise form_error(path, "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 5 in length.")
    for part in every:
        if part["type"] == _BUTTON:
            _check_length("components.label", part.get("label") or "", 80)
        _check_length("components.custom_id", part.get("custom_id") or "", 100)
    ids = [part["custom_id"] for part in every if part.get("custom_id")]
    if len(ids) != len(set(ids)):
        message = "Component custom id cannot be duplicated"
        raise form_error("components", "COMPONENT_CUSTOM_ID_DUPLICATED", message)


def _check_allowed_mentions(allowed: Json | None) -> None:
    for kind in ("users", "roles"):
        if allowed and kind in allowed.get("parse", []) and allowed.get(kind):
            message = f'"parse:[\\"{kind}\\"]" and "{kind}" are mutually exclusive.'
            raise form_error(
                "allowed_mentions", "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message
            )


def read_thread(body: Json) -> tuple[str, int]:
    """The name and the minutes until archiving of a thread to be opened."""
    name = text(body, "name", 1, 100)
    if name is None or not name.strip():
        raise form_error("name", "BASE_TYPE_REQUIRED", "This field is required")
    return name, read_auto_archive(body)


def read_auto_archive(body: Json) -> int:
    minutes = body.get("auto_archive_duration") or 4320
    if minutes not in AUTO_ARCHIVE_MINUTES:
        message = "Value must be one of {60, 1440, 4320, 10080}."
        raise form_error("auto_archive_duration", "BASE_TYPE_CHOICES", message)
    return int(minutes)
