"""The table of kills is what its document says; `tests/long/test_kills.py` plays it."""

from tests.e2e.kill_table import DOCUMENT, KILLS, document


def test_the_document_is_made_of_the_table():
    assert len({kill.name for kill in KILLS}) == len(KILLS) >= 25
    assert document() == DOCUMENT.read_text(encoding="utf-8")


def test_only_a_kill_between_the_sending_and_the_generations_id_leaves_an_estimate():
    order = [kill.point for kill in KILLS if kill.scene == "mention"]
    estimates = [kill.point for kill in KILLS if kill.money == "estimate"]
    first, last = order.index("state:sent"), order.index("generation")
    assert estimates == order[first:last]
