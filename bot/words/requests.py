"""What people read when a request is refused or fails: what happened and what to do. Whether it
was charged is the cost line's to say.
"""

import re

from bot.words.answers import notice_line


def refusal(word: str, sentence: str) -> str:
    """The notice of what ended before any call was made."""
    return f"{sentence}\n{notice_line(word, None, estimated=False, known=True)}"


def hello() -> str:
    return (
        "Tell me what to paint or talk about: mention me with it, attach a picture to have it"
        " edited, or use `/imagine`."
    )


def nothing_asked() -> str:
    return "There is nothing in the request: say in `prompt` what to paint or to change."


def describe_request() -> str:
    """What /describe asks, in the words of the one who used it."""
    return "Describe this picture."


def blend_request() -> str:
    """What /blend asks where nothing else is said."""
    return "Blend these pictures into one."


def go_on_from_here() -> str:
    """What *Continue here* asks under an answer of Easel's."""
    return "Go on from here."


def look_at_this() -> str:
    """The same on a message that shows pictures and says nothing."""
    return "Look at this."


def nothing_to_go_on_from() -> str:
    return "There are no words and no picture in this message to go on from. Choose another one."


def private_is_over() -> str:
    return (
        "Discord gives a private answer fifteen minutes, and they are over. Ask again, perhaps"
        " without `private`."
    )


def queue_full() -> str:
    return "Easel is busy: as many requests are waiting as it takes. Ask again in a few minutes."


def stopping() -> str:
    return "Easel is being restarted. Ask again in a minute."


def said_while_away() -> str:
    return "Easel was away when this was said. Ask again if you still want it."


def interrupted() -> str:
    return (
        "This was broken off while the model was at work, and nothing of its answer was kept. Ask"
        " again if you still want it."
    )


def interrupted_in_text() -> str:
    return "I was stopped in the middle of this answer: more of it may be missing. Ask me to go on."


def cancelled() -> str:
    return "This was cancelled."


def not_yours_to_cancel() -> str:
    return "Only who asked for this, or a moderator, may cancel it."


def too_late_to_cancel() -> str:
    return "This has ended already; there is nothing to cancel."


def trying_again() -> str:
    return "Trying again"


def our_fault() -> str:
    return "Something went wrong inside Easel. Its owner can find out more in the log."


def may_not_attach() -> str:
    return (
        "I may not attach files here, so a picture could not arrive. Ask an admin to give me the"
        " permission Attach Files in this channel."
    )


def may_not_speak() -> str:
    return (
        "I may not send messages here, so an answer could not arrive. Ask an admin to let me view"
        " this channel and send messages in it."
    )


def not_a_picture(name: str) -> str:
    return f"“{file_name(name)}” is not a picture. {PICTURES_ACCEPTED}."


def replied_to_unread() -> str:
    return "The message you reply to could not be read at Discord just now. Try again in a minute."


def replied_to_deleted() -> str:
    return (
        "The message you reply to was deleted. Attach its picture to your own message, or ask"
        " without replying to it."
    )


def replied_to_hidden() -> str:
    return (
        "I may not see what is in the message you reply to. Attach its picture to your own"
        " message, or ask without replying to it."
    )


def too_many_pictures(most: int) -> str:
    return f"At most {most} pictures can go along with one request. Send fewer."


def prompt_too_long(most: int) -> str:
    return f"The request is too long: at most {most:,} characters. Shorten it."


def servers_only() -> str:
    return "This command is for servers: use it in a channel of one."


def cut_by_length() -> str:
    return "The answer reached its length limit and is cut here. Ask me to go on."


PICTURES_ACCEPTED = "PNG, JPEG, WebP, GIF, AVIF and HEIC pictures are accepted"
FILE_NAME_LETTERS_MAX = 60


def file_name(name: str) -> str:
    """A stranger's file name as it may stand in a sentence: nothing in it is markup, a mention or
    a link, and it has at most 60 characters.
    """
    plain = "".join(letter for letter in name if letter.isalnum() or letter in " .-_+,&'")
    # An underscore between two letters is no markup, as long as it is alone.
    plain = re.sub(r"(?<![^\W_])_|_(?![^\W_])", " ", re.sub(r"_+", "_", plain))
    plain = " ".join(plain.split()) or "The file"
    if len(plain) > FILE_NAME_LETTERS_MAX:
        plain = plain[: FILE_NAME_LETTERS_MAX - 1] + "…"
    return plain


def byte_size(size_bytes: int) -> str:
    """`25 MiB`, `1.5 MiB`, `98 KiB`, `12 bytes`."""
    for unit, bytes_each in (("MiB", 1024 * 1024), ("KiB", 1024)):
        if size_bytes >= bytes_each:
            return f"{size_bytes / bytes_each:.4g} {unit}"
    return f"{size_bytes} bytes"


def picture_unreadable(name: str) -> str:
    return (
        f"“{file_name(name)}” cannot be read as a picture: it is damaged or of another kind. "
        f"{PICTURES_ACCEPTED}."
    )


def picture_too_large(name: str, bound: str) -> str:
    return f"“{file_name(name)}” is too large: at most {bound} are accepted. Send a smaller copy."


def over_bytes(bytes_max: int) -> str:
    return f"The picture is too large: at most {byte_size(bytes_max)} are accepted."


def result_unreadable() -> str:
    return "The model sent something that is not a readable picture. Try again."


def picture_cannot_fit(bytes_max: int) -> str:
    return f"The picture cannot be made small enough for the limit here, {byte_size(bytes_max)}."


def pictures_busy() -> str:
    return "Too many pictures and documents are being prepared right now. Try again in a minute."


def disk_full() -> str:
    return "Easel's disk is full, so the picture could not be kept. Its owner has to make room."


def disk_nearly_full() -> str:
    return (
        "Easel's disk is nearly full, so that the answer might not be kept. Its owner has to make"
        " room."
    )


def shelf_failed() -> str:
    return "Easel's disk failed, so the picture could not be kept or read. Its owner has to look."


def download_failed() -> str:
    return "The file could not be fetched from Discord. Send it again."


def download_dead() -> str:
    return "The file's link has expired or it was deleted. Send the file again."


def download_not_public() -> str:
    return "The picture's address is not one that everybody can reach, so it was not fetched."


def download_foreign() -> str:
    return "Files are only fetched from Discord. Send the file as an attachment."


def model_busy() -> str:
    return "The model is busy right now. Please try again in a minute."


def model_unreachable() -> str:
    return "The model could not be reached. Please try again in a few minutes."


def model_unavailable() -> str:
    return "The model is not available right now. Please try again in a few minutes."


def provider_down() -> str:
    return (
        "The model's provider has failed several times in a row, so nothing was sent to it. Please"
        " try again in a few minutes."
    )


def model_failed() -> str:
    return "Something went wrong at the model's provider. Please try again in a few minutes."


def model_too_slow() -> str:
    return "The model took too long to answer. Please try again in a few minutes."


def model_cut() -> str:
    return "The model's answer broke off before its end. Please ask again."


def model_stalled() -> str:
    return "The model stopped in the middle of its answer. Please ask again."


def model_blocked() -> str:
    return (
        "The model declined this: its content rules do not allow it. Please say it differently or"
        " use another picture."
    )


def model_silent() -> str:
    return (
        "The model answered with nothing at all, which mostly means that its content rules blocked"
        " the picture. Please say it differently."
    )


def model_empty() -> str:
    return "The model's answer was empty. Please try again, or say it differently."


def answer_too_large() -> str:
    return "The model's answer was larger than I can take in. Please ask for less at once."


def key_refused() -> str:
    return "OpenRouter does not accept Easel's key: its owner has to set OPENROUTER_API_KEY anew."


def credit_used_up() -> str:
    return (
        "Easel's credit or limit at OpenRouter is used up: its owner has to add credit or raise"
        " the limit of the key at https://openrouter.ai/settings."
    )


def model_forbidden() -> str:
    return (
        "OpenRouter does not let Easel use the model: its owner has to check the account's limits"
        " and guardrails at https://openrouter.ai/settings."
    )


def model_not_offered() -> str:
    return (
        "OpenRouter does not offer the model as Easel asks for it: its owner has to check"
        " openrouter.model in the settings and the account's privacy settings."
    )


def request_refused() -> str:
    return (
        "OpenRouter did not understand Easel's request: its owner can find out more in the log."
        " Another wording or shape may work."
    )


def address_refused() -> str:
    return "OpenRouter was not found where Easel expects it: its owner has to check the settings."


def conversation_too_long() -> str:
    return "This is more than the model can read at once. Please shorten it or start anew."


def request_too_large() -> str:
    return "The pictures are too large for the model together. Please send fewer or smaller ones."


def picture_refused() -> str:
    return "The model cannot read a picture that went along. Please send it as PNG or JPEG."


def openrouter_unreachable(base_url: str, reason: str) -> str:
    return (
        f"OpenRouter cannot be reached at {base_url} ({reason}): check openrouter.base_url and the"
        " network, then start Easel again."
    )


def key_not_checked(base_url: str, status: int) -> str:
    return (
        f"OpenRouter at {base_url} could not check the key (it answered with status {status}):"
        " check openrouter.base_url, or start Easel again in a few minutes."
    )
