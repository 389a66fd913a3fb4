import pytest

from tests.sandbox.specs import discord_specs_at_hand, validate_discord


def test_a_body_that_does_not_fit_discords_document_fails_the_test() -> None:
    path = "/channels/1/messages"
    validate_discord("POST", path, {"content": "x", "allowed_mentions": {"users": [1]}})
    with pytest.raises(pytest.fail.Exception, match="at embeds/0/title"):
        validate_discord("POST", path, {"embeds": [{"title": "x" * 257}]})


def test_a_route_that_discords_document_does_not_know_fails_the_test() -> None:
    validate_discord("PATCH", "/webhooks/1/token/messages/@original", {"content": "x"})
    with pytest.raises(pytest.fail.Exception, match="knows no PUT"):
        validate_discord("PUT", "/channels/1/messages", {})


def test_without_the_document_a_check_skips_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EASEL_SPECS", raising=False)
    assert not discord_specs_at_hand()
    with pytest.raises(pytest.skip.Exception, match="EASEL_SPECS is not set"):
        validate_discord("POST", "/channels/1/messages", {})
