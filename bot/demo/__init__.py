"""The tour: the real program as a process of its own against a loopback Discord and a loopback
model, printed as it happens. Each scene says at its end whether what people saw was right; at the
end the books are compared with the provider's account.
"""

import signal
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from bot.demo.scenes import Scenes
from bot.demo.script import tell
from bot.demo.stage import Stage, Wrong
from bot.errors import EaselError, StartError
from bot.money import NanoUsd, dollars
from bot.sandbox.discord.failures import SandboxError, TimedOut
from bot.sandbox.discord.sandbox import DiscordSandbox
from bot.sandbox.openrouter import ModelSandbox


async def tour(output: Path) -> bool:
    """Plays every scene; True if all of them and the books were right. Pictures and other
    files are saved in `output`, which is made.

    Raises StartError when the stage cannot be set.
    """
    _prepare(output)
    async with AsyncExitStack() as stack:
        discord = await stack.enter_async_context(DiscordSandbox())
        model = await stack.enter_async_context(ModelSandbox())
        tell(model)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="easel-demo-")))
        stage = Stage(discord, model, folder, output)
        try:
            print("Easel's tour: the real bot, with stand-ins for Discord and the model.\n")
            await stage.start()
            results = await _play(Scenes(stage))
            await stage.end(signal.SIGTERM)
        finally:
            if stage.process is not None and stage.process.returncode is None:
                stage.process.kill()
                await stage.process.wait()
        ledger, account = await stage.ledger(), NanoUsd(model.account.total_nano_usd)
        print()
        for name, wrong in results:
            print(f"scene {name} {'ok' if wrong is None else f'failed: {wrong}'}")
        same = ledger == account
        print(f"ledger {dollars(ledger, 9)} {'=' if same else '≠'} account {dollars(account, 9)}")
        return same and all(wrong is None for _, wrong in results)


SAVING = (
    *("mention", "follow-up", "own-photo", "reply-to-picture", "imagine", "edit"),
    *(
        "text-and-code",
        "restart",
        "killed",
        "direct-message",
        "forum",
        "blend",
        "buttons",
        "long-answer",
        "report",
        "export",
    ),
)
"""The scenes that save files, by the names of their files."""


def _prepare(output: Path) -> None:
    """Makes the folder and takes the files of an earlier tour out of it, and nothing else, as
    people may keep files of their own in it.
    """
    try:
        output.mkdir(parents=True, exist_ok=True)
        for scene in SAVING:
            for old in output.glob(f"[0-9][0-9]-{scene}.*"):
                if old.suffix in {".png", ".jpg", ".webp", ".md", ".csv"}:
                    old.unlink()
    except OSError as error:
        raise StartError(f"{output} cannot be written: {error.strerror}") from error


async def _play(scenes: Scenes) -> list[tuple[str, str | None]]:
    """Each scene's name and what was wrong with it."""
    results: list[tuple[str, str | None]] = []
    for name, play in (
        ("mention", scenes.mention),
        ("follow-up", scenes.follow_up),
        ("own-photo", scenes.own_photo),
        ("reply-to-picture", scenes.reply_to_picture),
        ("imagine", scenes.imagine),
        ("edit", scenes.edit),
        ("text-and-code", scenes.text_and_code),
        ("document", scenes.document),
        ("budget", scenes.budget),
        ("restart", scenes.restart),
        ("killed", scenes.killed),
        ("direct-message", scenes.direct_message),
        ("forum", scenes.forum),
        ("blend", scenes.blend),
        ("buttons", scenes.buttons),
        ("cancel", scenes.cancel),
        ("long-answer", scenes.long_answer),
        ("budgets", scenes.budgets),
        ("spend", scenes.spend),
        ("report", scenes.report),
        ("export", scenes.export),
        ("audit", scenes.audit),
    ):
        print(f"--- {name}")
        try:
            await play()
            results.append((name, None))
        except (Wrong, SandboxError, TimedOut, EaselError, TimeoutError, AttributeError) as error:
            print(f"  wrong: {error}")
            results.append((name, str(error).splitlines()[0] if str(error) else repr(error)))
    return results
