import re
import stat
import tomllib
from contextlib import suppress
from dataclasses import FrozenInstanceError
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import settings as module
from bot.errors import SettingsError
from bot.money import nano_usd
from bot.settings import Settings
from bot.settings.reading import load

EXAMPLE = Path(__file__).parent.parent / "config.example.toml"
SECRETS = {"DISCORD_TOKEN": "token.of-discord", "OPENROUTER_API_KEY": "sk-or-v1-secret"}

KEYS = {
    "discord": {"api_url", "gateway_url", "cdn_url", "message_content"},
    "openrouter": {"base_url", "model", "max_tokens", "timeout_s"},
    "storage": {"data_dir", "shelf_gb", "shelf_days"},
    "limits": {
        "running_max",
        "running_per_member_max",
        "queue_max",
        "context_tokens",
        "context_pictures",
        "stop_grace_s",
        "catch_up_s",
        "unresolved_s",
        "ask_above_usd",
    },
    "budgets": {"member_day_usd", "member_month_usd", "server_month_usd", "total_month_usd"},
    "logs": {"json"},
    "prices": {"openai/gpt-5.4-image-2"},
}


def of(folder: Path, text: str) -> Settings:
    file = folder / "config.toml"
    file.write_text(text, encoding="utf-8")
    return load(file, {}, secrets=False)


def error_of(folder: Path, text: str) -> SettingsError:
    with pytest.raises(SettingsError) as raised:
        of(folder, text)
    assert raised.value.file == str(folder / "config.toml")
    assert "\n" not in str(raised.value)
    return raised.value


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder Easel is started in is empty."""
    monkeypatch.chdir(tmp_path)


def test_without_a_file_every_setting_stands_at_its_default():
    assert load(None, SECRETS) == Settings(
        discord_token="token.of-discord", openrouter_api_key="sk-or-v1-secret"
    )
    assert Settings().budgets.member_day_nano_usd == nano_usd(3)
    assert Settings().limits.ask_above_nano_usd == nano_usd("0.60")
    assert Settings().prices["openai/gpt-5.4-image-2"].image_output == 30_000


def test_the_example_names_every_key_at_its_default():
    text = EXAMPLE.read_text(encoding="utf-8")
    assert load(EXAMPLE, {}, secrets=False) == Settings()
    spelled_out = re.sub(r"^# (?=\w+ = )", "", text, flags=re.MULTILINE)
    assert {name: set(table) for name, table in tomllib.loads(spelled_out).items()} == KEYS
    addresses = tomllib.loads(spelled_out)["discord"]
    assert addresses["api_url"] == module.API_URL
    assert addresses["gateway_url"] == module.GATEWAY_URL
    assert addresses["cdn_url"] == module.CDN_URL


def test_the_program_knows_the_keys_of_the_design_and_no_others(tmp_path: Path):
    for name in KEYS.keys() - {"prices"}:
        for key in KEYS[name]:
            assert f"{name}.{key}" == error_of(tmp_path, f"[{name}]\n{key} = [1]").key
    assert error_of(tmp_path, "discord_token = 'x'").key == "discord_token"


def test_a_file_is_found_by_the_option_then_the_environment_then_the_folder(tmp_path: Path):
    for name, queue_max in [("a.toml", 1), ("b.toml", 2), ("config.toml", 3)]:
        (tmp_path / name).write_text(f"limits.queue_max = {queue_max}")
    environment = {"EASEL_CONFIG": "b.toml"}

    def queue_max_of(path: Path | None, environment: dict[str, str]) -> int:
        return load(path, environment, secrets=False).limits.queue_max

    assert queue_max_of(Path("a.toml"), environment) == 1
    assert queue_max_of(None, environment) == 2
    assert queue_max_of(None, {}) == 3
    assert queue_max_of(None, {"EASEL_CONFIG": ""}) == 3


def test_a_named_file_must_be_there():
    for path, environment, key in [
        (Path("none.toml"), {}, "--config"),
        (None, {"EASEL_CONFIG": "none.toml"}, "EASEL_CONFIG"),
    ]:
        with pytest.raises(SettingsError, match=r"none\.toml: .*no such file") as raised:
            load(path, environment)
        assert raised.value.key == key


def test_a_folder_or_an_unreadable_file_is_told(tmp_path: Path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path, {})
    file = tmp_path / "config.toml"
    file.touch(stat.S_IWUSR)
    try:
        file.read_bytes()
    except PermissionError:  # not for root
        with pytest.raises(SettingsError, match="cannot be read"):
            load(None, {})


def test_what_is_not_toml_is_told_with_its_line(tmp_path: Path):
    error = error_of(tmp_path, "[limits]\nqueue_max 100\n")
    assert "line 2" in error.key
    assert "TOML" in error.allowed


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"a = " + b"[" * 5_000,
        b"a = " + b"9" * 5_000,
        b"a = 1e9999999999999999999",
        b"#" * 1_048_577,
        b"a = 1\na = 2",
        b"a",
    ],
    ids=["not UTF-8", "deep", "long number", "high exponent", "large", "twice", "no value"],
)
def test_any_bad_file_is_an_error_of_one_line(tmp_path: Path, data: bytes):
    file = tmp_path / "config.toml"
    file.write_bytes(data)
    with pytest.raises(SettingsError) as raised:
        load(None, {})
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="ignore")))
def test_no_bytes_make_it_raise_anything_else(data: bytes):
    Path("fuzz.toml").write_bytes(data)
    with suppress(SettingsError):
        load(Path("fuzz.toml"), {}, secrets=False)


def test_a_byte_order_mark_is_no_error(tmp_path: Path):
    (tmp_path / "config.toml").write_bytes(b"\xef\xbb\xbf[limits]\nqueue_max = 7\n")
    assert load(None, {}, secrets=False).limits.queue_max == 7


@pytest.mark.parametrize(
    ("key", "lowest", "highest"),
    [
        ("openrouter.max_tokens", "1000", "128000"),
        ("openrouter.timeout_s", "5", "3600"),
        ("limits.running_max", "1", "1000"),
        ("limits.running_per_member_max", "1", "1000"),
        ("limits.queue_max", "0", "10000"),
        ("limits.context_pictures", "0", "50"),
        ("limits.stop_grace_s", "0", "86400"),
        ("limits.catch_up_s", "0", "86400"),
        ("limits.unresolved_s", "0", "86400"),
        ("limits.ask_above_usd", "0", "1000000"),
        ("budgets.member_day_usd", "0", "1000000"),
        ("budgets.member_month_usd", "0", "1000000"),
        ("budgets.server_month_usd", "0", "1000000"),
        ("budgets.total_month_usd", "0", "1000000"),
    ],
)
def test_a_number_is_taken_within_its_range_only(
    tmp_path: Path, key: str, lowest: str, highest: str
):
    section, _, name = key.partition(".")
    attribute = name.replace("usd", "nano_usd")
    scale = 10**9 if attribute != name else 1
    for text in (lowest, highest):
        value: object = getattr(getattr(of(tmp_path, f"{key} = {text}"), section), attribute)
        assert value == int(text) * scale
    for text in (str(int(lowest) - 1), str(int(highest) + 1), "true", '"5"', "nan", "-inf", "[5]"):
        error = error_of(tmp_path, f"{key} = {text}")
        assert error.key == key
        assert f"{int(lowest):,}" in error.allowed
        assert f"{int(highest):,}" in error.allowed


def test_a_whole_number_has_no_decimals_but_seconds_may(tmp_path: Path):
    assert error_of(tmp_path, "limits.queue_max = 5.0").found == "5.0"
    assert of(tmp_path, "limits.stop_grace_s = 0.25").limits.stop_grace_s == 0.25


def test_money_is_exact_to_the_nano_dollar_and_not_finer(tmp_path: Path):
    text = "budgets.member_day_usd = 0.100000001"
    assert of(tmp_path, text).budgets.member_day_nano_usd == 100_000_001
    assert error_of(tmp_path, f"{text}1").found == "0.1000000011"


def test_what_was_found_is_shown_short_and_on_one_line(tmp_path: Path):
    assert error_of(tmp_path, "limits.queue_max = 'a\u00fc'").found == '"aü"'
    assert error_of(tmp_path, 'limits.queue_max = "a\\nb"').found == '"a\\nb"'
    assert error_of(tmp_path, "limits.queue_max = false").found == "false"
    assert error_of(tmp_path, "limits.queue_max = {}").found == "a table"
    assert error_of(tmp_path, f"limits.queue_max = 0x{'f' * 9000}").found
    assert len(error_of(tmp_path, f"limits.queue_max = '{'x' * 900}'").found) < 70


def test_an_unknown_key_is_told_with_the_nearest_and_without_its_value(tmp_path: Path):
    error = error_of(tmp_path, "[limits]\nqueue_maxx = 5")
    assert (error.key, error.allowed) == ("limits.queue_maxx", "queue_max")
    error = error_of(tmp_path, "[limit]\nqueue_max = 5")
    assert (error.key, error.allowed) == ("limit", "limits")
    error = error_of(tmp_path, "discord.password = 'hunter2'")
    assert "hunter2" not in str(error)
    assert "api_url or gateway_url or cdn_url or message_content" in error.allowed
    assert error_of(tmp_path, "'a\\nb' = 1")
    assert error_of(tmp_path, "limits = 5").allowed == "a table, [limits], with its keys below it"
    assert error_of(tmp_path, "[[limits]]\nqueue_max = 5").found == "a list"


def test_of_several_errors_the_first_is_told_and_the_others_named(tmp_path: Path):
    error = error_of(tmp_path, "limits.queue_max = -1\nbudgets.total_month_usd = true")
    assert error.key == "limits.queue_max"
    assert error.allowed.endswith("(also wrong: budgets.total_month_usd)")


@pytest.mark.parametrize(
    ("key", "scheme"),
    [
        ("discord.api_url", "http"),
        ("discord.gateway_url", "ws"),
        ("discord.cdn_url", "http"),
        ("openrouter.base_url", "http"),
    ],
)
def test_an_address_is_secure_or_leads_to_this_machine(tmp_path: Path, key: str, scheme: str):
    section, _, name = key.partition(".")

    def read(url: str) -> object:
        return getattr(getattr(of(tmp_path, f'{key} = "{url}"'), section), name)

    for url in (
        f"{scheme}s://1and1.example.com/api/v10",
        f"{scheme}s://example.com:8443",
        f"{scheme}s://[2001:db8::1]/a",
        f"{scheme}://127.0.0.1:4000/api/v10",
        f"{scheme}://127.8.9.1",
        f"{scheme}://localhost:4000",
        f"{scheme}://[::1]:4000/api",
    ):
        assert read(url) == url
    for url in (
        f"{scheme}://example.com",
        f"{scheme}://127.0.0.1.example.com",
        f"{scheme}://localhost.example.com",
        f"{scheme}://[::2]",
        f"{scheme}s://example.com/",
        f"{scheme}://127.0.0.1:4000/api/",
        f"{scheme}s://example.com?a=b",
        f"{scheme}s://example.com#a",
        f"{scheme}s://",
        f"{scheme}s:example.com",
        f"{scheme}s://example.com:port",
        f"{scheme}s://exa mple.com",
        "ftp://example.com",
        "example.com",
        "",
    ):
        error = error_of(tmp_path, f'{key} = "{url}"')
        assert error.key == key
        assert f"{scheme}s://" in error.allowed


def test_an_address_with_a_password_is_refused_without_showing_it(tmp_path: Path):
    error = error_of(tmp_path, 'openrouter.base_url = "https://me:hunter2@example.com"')
    assert "hunter2" not in str(error)


def test_an_address_that_is_set_to_discords_own_is_set(tmp_path: Path):
    assert of(tmp_path, "").discord.cdn_url is None
    text = 'discord.cdn_url = "https://cdn.discordapp.com"'
    assert of(tmp_path, text).discord.cdn_url == "https://cdn.discordapp.com"


def test_a_model_needs_a_price(tmp_path: Path):
    error = error_of(tmp_path, 'openrouter.model = "other/model"')
    assert error.key == 'prices."other/model"'
    assert "openrouter.model" in error.allowed
    error = error_of(
        tmp_path, 'openrouter.model = "other/model"\nprices."other/model" = {input = 1, output = 2}'
    )
    assert error.key == 'prices."other/model".cached_input'
    assert 'also wrong: prices."other/model".image_output' in error.allowed


def test_prices_become_nano_dollars_per_token_rounded_up(tmp_path: Path):
    price = "{input = 0.0375, cached_input = 0, output = 2.5, image_output = 10_000}"
    settings = of(tmp_path, f'openrouter.model = "a/b"\nprices."a/b" = {price}')
    found = settings.prices["a/b"]
    assert (found.input, found.cached_input, found.output) == (38, 0, 2_500)
    assert found.image_output == 10_000_000
    assert settings.prices["openai/gpt-5.4-image-2"] == module.DEFAULT_PRICE


def test_the_default_models_prices_may_be_changed_one_by_one(tmp_path: Path):
    settings = of(tmp_path, 'prices."openai/gpt-5.4-image-2".output = 16')
    price = settings.prices["openai/gpt-5.4-image-2"]
    assert (price.input, price.output, price.image_output) == (8_000, 16_000, 30_000)


@pytest.mark.parametrize("text", ["-0.01", "10_000.01", "nan", "inf", "'8'", "true", "1e-12"])
def test_a_price_is_sane(tmp_path: Path, text: str):
    key = 'prices."openai/gpt-5.4-image-2".input'
    assert error_of(tmp_path, f"{key} = {text}").key == key


@given(st.decimals(0, 10_000, places=9))
def test_a_price_is_never_below_what_the_file_says_and_within_a_nano_dollar(price: Decimal):
    text = f'prices."openai/gpt-5.4-image-2".input = {price:f}'
    per_token = of(Path(), text).prices["openai/gpt-5.4-image-2"].input
    assert 0 <= per_token - price * 1_000 < 1


def test_history_and_answer_fit_the_window_together(tmp_path: Path):
    text = "openrouter.max_tokens = 128_000\nlimits.context_tokens = "
    assert of(tmp_path, f"{text} 144_000").limits.context_tokens == 144_000
    error = error_of(tmp_path, f"{text} 144_001")
    assert error.key == "limits.context_tokens"
    assert "144,000" in error.allowed


def test_secrets_come_from_the_environment_or_from_files(tmp_path: Path):
    file = tmp_path / "token"
    file.write_text("  token.in-a-file\n\n")
    settings = load(None, {"DISCORD_TOKEN_FILE": str(file), "OPENROUTER_API_KEY": " key "})
    assert settings.discord_token == "token.in-a-file"
    assert settings.openrouter_api_key == "key"
    assert load(None, {}, secrets=False).discord_token == ""


def test_a_missing_secret_is_told_with_how_to_set_it():
    with pytest.raises(SettingsError) as raised:
        load(None, {"DISCORD_TOKEN": " "})
    assert raised.value.key == "DISCORD_TOKEN"
    assert raised.value.file == "environment"
    assert "DISCORD_TOKEN_FILE" in raised.value.allowed
    assert "also wrong: OPENROUTER_API_KEY" in raised.value.allowed


def test_a_secret_is_set_once():
    with pytest.raises(SettingsError) as raised:
        load(None, SECRETS | {"OPENROUTER_API_KEY_FILE": "key"})
    assert raised.value.key == "OPENROUTER_API_KEY_FILE"
    assert "OPENROUTER_API_KEY too" in raised.value.found


@pytest.mark.parametrize("data", [None, b"", b" \n", b"\xff", b"two words", b"t\xc3\xb6ken"])
def test_a_bad_file_of_a_secret_is_told(tmp_path: Path, data: bytes | None):
    file = tmp_path / "sk-or-v1-pasted-here"
    if data is not None:
        file.write_bytes(data)
    with pytest.raises(SettingsError) as raised:
        load(None, {"DISCORD_TOKEN": "token", "OPENROUTER_API_KEY_FILE": str(file)})
    assert raised.value.key == "OPENROUTER_API_KEY_FILE"
    assert "pasted-here" not in str(raised.value)
    assert "two words" not in str(raised.value)


def test_secrets_are_in_no_repr_and_no_error(tmp_path: Path):
    settings = load(None, SECRETS)
    (tmp_path / "config.toml").write_text("limits.queue_max = -1")
    with pytest.raises(SettingsError) as raised:
        load(None, SECRETS)
    with pytest.raises(SettingsError) as twice:
        load(Path(EXAMPLE), SECRETS | {"DISCORD_TOKEN": "token of-discord"})
    for text in (repr(settings), str(raised.value), repr(raised.value), str(twice.value)):
        assert "of-discord" not in text
        assert "sk-or-v1-secret" not in text


def test_settings_do_not_change():
    settings = Settings()
    with pytest.raises(FrozenInstanceError):
        settings.limits.queue_max = 5  # pyright: ignore[reportAttributeAccessIssue]  # the rule
