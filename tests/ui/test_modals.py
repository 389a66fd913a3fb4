"""What a submit of the modal says, whatever stands in it."""

from hypothesis import given
from hypothesis import strategies as st

from bot.ui.modals import MORE_PICTURES_MAX, File, Wish, wish

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["component", "components", "custom_id", "values", "value", "resolved"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


def field(custom_id: str, **said: object) -> dict[str, object]:
    return {"type": 18, "component": {"custom_id": custom_id, **said}}


def test_it_is_read_by_the_names_of_its_fields():
    file = {"filename": "cat.png", "url": "https://cdn/cat", "content_type": "image/png"}
    data = {
        "components": [
            field("prompt", value="  at night "),
            field("shape", values=["wide"]),
            field("size", values=[]),
            field("pictures", values=["5", "6"]),
        ],
        "resolved": {"attachments": {"5": file}},
    }
    cat = File("cat.png", "https://cdn/cat", "image/png")
    assert wish(data) == Wish("at night", "wide", None, (cat,))


def test_no_choice_is_taken_that_was_not_offered():
    data = {"components": [field("shape", values=["round"]), field("size", values=["8K"])]}
    assert wish(data) == Wish("", None, None, ())


@given(st.dictionaries(st.sampled_from(["components", "resolved"]), JSON))
def test_nothing_that_may_stand_in_it_breaks_the_reading(data: dict[str, object]):
    assert len(wish(data).files) <= MORE_PICTURES_MAX
