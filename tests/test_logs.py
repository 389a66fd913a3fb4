import errno
import json
import logging
import re
from collections.abc import Iterator
from contextvars import copy_context

import aiohttp
import pytest
import yarl
from multidict import CIMultiDict, CIMultiDictProxy

from bot import logs

SECRET = "token.of-discord"


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Logging as pytest set it up, afterwards."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    # Else `basicConfig` would close pytest's own.
    root.handlers.clear()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in logs.CHATTY:
        logging.getLogger(name).setLevel(logging.NOTSET)


def written(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    assert captured.out == ""
    return captured.err


def test_a_record_is_one_line_with_time_level_and_logger(capsys: pytest.CaptureFixture[str]):
    logs.set_up()
    logging.getLogger("bot.app").info("ready in %d ms", 5)
    line = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO bot\.app: ready in 5 ms\n"
    assert re.fullmatch(line, written(capsys))


def test_a_message_cannot_pass_for_two(capsys: pytest.CaptureFixture[str]):
    logs.set_up()
    logging.getLogger("bot").info("%s", "a\r\nb")
    assert written(capsys).endswith(" INFO bot: a\\r\\nb\n")


def test_secrets_are_blotted_out(capsys: pytest.CaptureFixture[str]):
    logs.set_up([SECRET, "", "key"])
    logging.getLogger("bot").error("with %s and %r", SECRET, {"a": b"key"})
    text = written(capsys)
    assert SECRET not in text
    assert "with [secret] and {'a': b'[secret]'}" in text


@pytest.mark.parametrize("as_json", [False, True])
def test_an_error_in_a_message_is_told_without_its_words(
    capsys: pytest.CaptureFixture[str], as_json: bool
):
    address = yarl.URL("https://discord.com/api/v10/webhooks/1/TOKEN/messages/@original")
    asked = aiohttp.RequestInfo(address, "PATCH", CIMultiDictProxy(CIMultiDict[str]()), address)
    broken = aiohttp.ClientResponseError(asked, (), status=400, message="what was said")
    logs.set_up(as_json=as_json)
    logging.getLogger("bot").warning("exchange %d: not shown: %r", 5, broken)
    text = written(capsys)
    assert re.search(r"exchange 5: not shown: ClientResponseError 400(\n|\")", text)
    assert "TOKEN" not in text
    assert "said" not in text


def fail(words: str) -> None:
    try:
        {}[words]
    except KeyError as error:
        raise OSError(errno.ENOSPC, words) from error


def test_an_error_is_told_in_its_records_line_by_class_number_and_place_without_its_words(
    capsys: pytest.CaptureFixture[str],
):
    logs.set_up()
    try:
        fail("a secret wish\n")
    except OSError:
        logging.getLogger("bot").exception("it failed")
    here = r"tests\.test_logs\."
    place = (
        rf"OSError ENOSPC at {here}test_\w+:\d+ > {here}fail:\d+; after KeyError at {here}fail:\d+"
    )
    assert re.fullmatch(rf"\S+ ERROR bot: it failed \| {place}\n", written(capsys))


def test_errors_in_a_group_are_told_each_and_not_without_end(capsys: pytest.CaptureFixture[str]):
    logs.set_up()
    group = ExceptionGroup("words", [TypeError(str(number)) for number in range(100)])
    logging.getLogger("bot").error("it failed", exc_info=group)
    text = written(capsys)
    assert " | ExceptionGroup; of it TypeError; of it TypeError" in text
    assert text.count("TypeError") == logs.ERRORS_MAX - 1


def test_libraries_are_heard_from_a_warning_on(capsys: pytest.CaptureFixture[str]):
    logs.set_up()
    for name in ("discord.gateway", "httpx"):
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    text = written(capsys)
    assert "chatter" not in text
    assert text.count("trouble") == 2


def test_a_reconnect_is_told_without_its_place_and_other_errors_with_it(
    capsys: pytest.CaptureFixture[str],
):
    logs.set_up()
    log = logging.getLogger("discord.client")
    try:
        raise ConnectionResetError("the line was cut")
    except ConnectionResetError:
        log.exception("Attempting a reconnect in %.2fs", 1.5)
        said = written(capsys)
        log.exception("Ignoring exception in %s", "on_message")
    assert said.endswith(
        "ERROR discord.client: Attempting a reconnect in 1.50s (ConnectionResetError)\n"
    )
    assert said.count("\n") == 1
    assert " | ConnectionResetError at tests.test_logs." in written(capsys)


def test_setting_up_twice_logs_once(capsys: pytest.CaptureFixture[str]):
    logs.set_up()
    logs.set_up([SECRET])
    logging.getLogger("bot").info(SECRET)
    assert written(capsys).count("[secret]") == 1


def objects(capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    return [json.loads(line) for line in written(capsys).splitlines()]


def test_as_json_a_record_is_one_object_a_line(capsys: pytest.CaptureFixture[str]):
    logs.set_up(as_json=True)
    logging.getLogger("bot.app").warning("two\nlines and \u2028 of %s", '"words"')
    (found,) = objects(capsys)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    message = 'two\nlines and \u2028 of "words"'
    assert found == {"level": "WARNING", "logger": "bot.app", "message": message}


def test_as_json_an_error_has_a_key_of_its_own_and_secrets_are_blotted_out(
    capsys: pytest.CaptureFixture[str],
):
    secret = 'a"quoted\\token'
    logs.set_up([secret], as_json=True)
    try:
        raise ValueError(f"Bearer {secret}")
    except ValueError:
        logging.getLogger("bot").exception("with %s", secret)
    (found,) = objects(capsys)
    assert found["message"] == "with [secret]"
    assert found["error"].startswith("ValueError at tests.test_logs.")
    assert "Bearer" not in found["error"]


def test_as_json_a_record_names_the_exchange_it_is_about_or_its_task_is_at_work_on(
    capsys: pytest.CaptureFixture[str],
):
    def work() -> None:
        log.info("of nobody")
        log.info("exchange %d: of its own", 5)
        logs.exchange_id.set(7)
        log.info("of the task")
        log.info("exchange %d: of another", 5)
        log.info("exchange of words")

    logs.set_up(as_json=True)
    log = logging.getLogger("bot")
    copy_context().run(work)
    assert [found.get("exchange") for found in objects(capsys)] == [None, "5", "7", "5", "7"]
