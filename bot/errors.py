"""Every error Easel raises, one tree:

    EaselError
    ├── StartError            the owner must act; the program says the sentence and exits with 1
    │   └── SettingsError     a key of the settings file is wrong
    ├── Unreachable           Discord is away; nobody has to act, the sweep tries again
    └── Notice                an exchange ends without a result; the sentence goes to the person
        ├── CallFailed        one call at the model failed; says what is proved about its charge
        └── StoreUnavailable  the database cannot be used: full disk, lock, damage

Sentences come from `words`. Errors of libraries are turned into these where they enter.
"""

from enum import StrEnum

from bot.money import Usage


class Word(StrEnum):
    """The fixed word of a notice: what kind of end it was, for people and for tools."""

    BUDGET = "budget"
    BUSY = "busy"
    BLOCKED = "blocked"
    SILENT = "silent"
    CUT = "cut"
    PROVIDER = "provider"
    OWNER = "owner"
    TOO_LARGE = "too-large"
    UNREADABLE = "unreadable"
    PERMISSION = "permission"
    CANCELLED = "cancelled"
    RECOVERED = "recovered"
    UNKNOWN = "unknown"


class EaselError(Exception):
    """The root of the tree; nothing raises it itself."""


class StartError(EaselError):
    """Easel cannot start. `str()` is the one sentence the owner reads."""


class SettingsError(StartError):
    """A setting is wrong: which file, which key, what was found, what is allowed."""

    def __init__(self, file: str, key: str, found: str, allowed: str) -> None:
        self.file = file
        self.key = key
        self.found = found
        self.allowed = allowed
        super().__init__(f"{file}: {key}: found {found}; allowed is {allowed}.")


class Unreachable(EaselError):
    """Discord cannot be reached right now; the exchange stays where it is and is taken up again."""


class Notice(EaselError):
    """An exchange ends here without a result. Whether it was charged is the ledger's to say."""

    def __init__(self, word: Word, sentence: str) -> None:
        self.word = word
        self.sentence = sentence
        super().__init__(f"{word.value}: {sentence}")


class CallFailed(Notice):
    """One call at the model failed.

    `charge_ruled_out` is proof that nothing was billed, so the hold may be voided; without it the
    cost must be looked up. `may_retry` is only ever true together with that proof. `usage` is what
    was reported before or with the failure; `generation_id` is known where the answer had one.
    """

    def __init__(
        self,
        word: Word,
        sentence: str,
        *,
        charge_ruled_out: bool,
        may_retry: bool = False,
        retry_after_s: float | None = None,
        tell_owner: bool = False,
        shorten: bool = False,
        usage: Usage | None = None,
        generation_id: str | None = None,
    ) -> None:
        assert charge_ruled_out or not (may_retry or shorten)
        self.charge_ruled_out = charge_ruled_out
        self.may_retry = may_retry
        self.retry_after_s = retry_after_s
        self.tell_owner = tell_owner
        self.shorten = shorten
        self.usage = usage
        self.generation_id = generation_id
        super().__init__(word, sentence)


class StoreUnavailable(Notice):
    """The database cannot be used right now: the disk is full or failing, another process holds
    it, or it is damaged. Nothing of the operation was kept.
    """

    def __init__(self, sentence: str) -> None:
        super().__init__(Word.OWNER, sentence)
