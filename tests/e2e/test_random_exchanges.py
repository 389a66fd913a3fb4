"""Random exchanges against a stand-in with every billing oddity: the books are its account."""

from pathlib import Path

from tests.e2e.random_checks import played_and_checked

SEED = 4
REQUESTS = 60


async def test_the_books_are_the_account_whatever_the_bills_look_like(tmp_path: Path):
    print(await played_and_checked(tmp_path, SEED, REQUESTS))
