"""Every sentence people read: notices, progress, refusals, start errors. Each says what happened
and what to do; whether it was charged is the cost line's to say. Only text is made here, of plain
values: nothing is decided."""

# --- starting ------------------------------------------------------------------------------------

# --- requests ------------------------------------------------------------------------------------

# --- pictures ------------------------------------------------------------------------------------

# --- the model -----------------------------------------------------------------------------------

# --- money ---------------------------------------------------------------------------------------

_DATABASE_TROUBLE = {
    "full": "the disk is full; make room",
    "locked": "another program keeps it locked; end that one",
    "damaged": "it is damaged, or no database of Easel's; put a backup in its place",
    "read-only": "it cannot be written; give Easel's user the right to",
    "not opened": "it cannot be opened or made there; check that the folder exists and is writable",
    "failing": "the disk reports an error; check the disk",
    "no-wal": "its file system cannot hold it; use a local disk",
}


def database_unusable(path: str, reason: str) -> str:
    return f"The database {path} cannot be used: {_DATABASE_TROUBLE[reason]}."


def database_newer(path: str, found: int, known: int) -> str:
    return (
        f"The database {path} was written by a newer Easel (schema {found}, this one knows "
        f"{known}): install that version again."
    )


def database_older(path: str, found: int, known: int) -> str:
    return f"The database {path} has schema {found}, not {known}: run `easel migrate` first."


def sqlite_too_old(found: str, needed: str) -> str:
    return f"This Python brings SQLite {found}; Easel needs {needed} or newer: use a newer Python."


def database_unavailable(reason: str) -> str:
    return f"Easel's database cannot be used: {_DATABASE_TROUBLE[reason]}."


# --- the answer ----------------------------------------------------------------------------------
