"""What a `custom_id` says, and how many buttons stand where."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ui import controls
from bot.ui.controls import EDITS_MAX, PER_ROW, Pressed


@pytest.mark.parametrize(
    ("custom_id", "said"),
    [
        ("again:12", Pressed("again", 12, None)),
        ("edit:12:3", Pressed("edit", 12, 3)),
        ("edit:12:", None),
        ("edit:١٢", None),
        ("edit:99999999999999999999", None),
        ("edit:9999999999999999999", None),
        ("Edit:12", None),
        ("edit:12\n", None),
        (None, None),
        (12, None),
    ],
)
def test_a_custom_id_is_ours_or_it_is_nothing(custom_id: object, said: Pressed | None):
    assert controls.read(custom_id) == said


@given(st.text())
def test_no_custom_id_of_others_breaks_the_reading(custom_id: str):
    found = controls.read(custom_id)
    assert found is None or custom_id.startswith(f"{found.verb}:")


@pytest.mark.parametrize("pictures", [0, 1, 2, 3, 4, 10, EDITS_MAX, 64])
@pytest.mark.parametrize("goes_on", [False, True])
async def test_any_number_of_pictures_fits_into_five_rows(pictures: int, goes_on: bool):
    rows = controls.under_answer(12, pictures, goes_on=goes_on).to_components()
    assert len(rows) <= 5
    assert all(1 <= len(row["components"]) <= PER_ROW for row in rows)
    ids = [button["custom_id"] for row in rows for button in row["components"]]
    assert len(set(ids)) == len(ids)
    assert sum(one.startswith("edit:") for one in ids) == min(pictures, EDITS_MAX)
    assert [controls.read(one) is not None for one in ids] == [True] * len(ids)
