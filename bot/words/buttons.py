"""What people read who press a button or open a modal: what came of it, or why nothing did."""


def may_not_ask_here() -> str:
    return "You may not send messages here, so you cannot ask for anything here either."


def unknown_answer() -> str:
    return "Easel does not know this answer any more; ask anew."


def not_easels() -> str:
    return "This message is not one of Easel's answers, so there is no cost to show."


def no_picture_there() -> str:
    return "There is no picture in this message to edit."


def modal_too_old() -> str:
    return "This was opened too long ago. Press *Edit* once more."


def edit_title() -> str:
    return "Edit a picture"


def prompt_hint() -> str:
    return "What to change"


def shape_hint() -> str:
    return "As the picture is"


def size_hint() -> str:
    return "As it comes"


def more_pictures_hint(most: int) -> str:
    return f"To take from, up to {most}"


def go_on() -> str:
    """What the model is asked after a cut answer."""
    return "Your last answer was cut off. Go on exactly where it ended, and repeat nothing of it."


def not_yours_to_delete() -> str:
    return "Only who asked for this, or a moderator, may delete it."


def deleted() -> str:
    return "The answer is deleted. What it cost stays in the books."


def dismiss_the_rest() -> str:
    """Of a private answer in several messages."""
    return (
        "Discord lets Easel delete only the message with the button. The other messages of this"
        " answer are for your eyes only, too: *Dismiss message* under each takes it away."
    )


def deleted_already() -> str:
    return "This answer is deleted already."


def not_deleted() -> str:
    return "Discord does not let Easel delete all of this answer right now. Try again in a minute."


def ask_first(estimate: str, most: str, minutes: int) -> str:
    """What is said about a dear request before it is paid for."""
    return (
        f"This is a dear one: about {estimate}, and {most} at most. *Confirm* goes on; *Cancel*, or"
        f" {minutes} minutes without a click, ends it for nothing."
    )


def not_yours_to_confirm() -> str:
    return "Only who asked for this may confirm it: it goes on their budget."


def nothing_to_confirm() -> str:
    return "There is nothing to confirm any more."


def not_confirmed() -> str:
    return "Nobody confirmed this in time, so it was not done. Ask again if you still want it."


def original(name: str, width: int, height: int, size: str) -> str:
    return f"{name}: the original, {width} × {height} pixels, {size}."


def original_lossless(name: str, width: int, height: int, size: str, limit: str) -> str:
    return (
        f"{name}: {width} × {height} pixels, packed anew without any loss, because the original"
        f" has {size} and at most {limit} can be uploaded here."
    )


def original_too_large(name: str, size: str, limit: str) -> str:
    return (
        f"{name}: the original has {size}, also packed anew it does not fit, and at most {limit}"
        " can be uploaded here. It is kept at Easel's."
    )


def original_missing(name: str) -> str:
    return f"{name}: the original is missing on Easel's disk."


def picture_name(number: int) -> str:
    return f"Picture {number}"


def detail(name: str, value: str) -> str:
    return f"**{name}:** {value}"


def quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())


def prompt_heading() -> str:
    return "**Prompt:**"


def own_words_heading() -> str:
    return "**The model's own words:**"


def the_request() -> str:
    return "the request"


def earlier_answer(number: int | None) -> str:
    return "an earlier answer" if number is None else f"earlier answer {number}"


def details_in_file() -> str:
    return "The whole of it is in the attached file."


def words_deleted() -> str:
    """In place of what was asked or answered, for all but who asked."""
    return "This was deleted."


def request_deleted() -> str:
    return (
        "This request was deleted, so only who asked may go on with it. Ask in words of your own."
    )


def no_words() -> str:
    return "none"


def shape_asked(shape: str | None, ratio: str | None, size: str | None) -> str:
    asked = [] if shape is None else [f"{shape} ({ratio})"]
    if size is not None:
        asked.append(size)
    return ", ".join(asked) or "left to the model"


def picture_came(number: int, width: int, height: int, size: str) -> str:
    return f"picture {number} is {width} × {height} pixels, {size}"


def shape_differs() -> str:
    return "which is not the shape that was asked for"


def shape_agrees() -> str:
    return "as it was asked for"


def tokens(prompt: str, cached: str, completion: str, image: str) -> str:
    return f"{prompt} in ({cached} of them cached), {completion} out ({image} of them for pictures)"


def cost(cost: str | None, *, estimated: bool, known: bool) -> str:
    """`cost` is None where nothing was charged."""
    if not known:
        return "not known yet"
    if cost is None:
        return "not charged"
    return f"≈ {cost}, an estimate" if estimated else cost


def took(seconds: int, at_ms: int) -> str:
    return f"{seconds} s, asked <t:{at_ms // 1000}:f>"


def asked_by(member_id: int, command: str | None) -> str:
    """No command for a button; a menu is told by its name."""
    ways = {None: "a button", "message": "a message", "continue": "*Continue here*"}
    how = ways.get(command, f"`/{command}`")
    return f"<@{member_id}> by {how}"


def link(name: str, url: str) -> str:
    return f"[{name}]({url})"
