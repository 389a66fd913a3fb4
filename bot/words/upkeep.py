"""What the owner reads of backups and of whether Easel is well."""


def backup_failed(file: str, reason: str) -> str:
    return f"The backup {file} could not be made ({reason}): make room, or choose another file."


def backup_is_database(file: str) -> str:
    return f"{file} is the database itself: choose another file for the backup."


def backup_differs(file: str, what: str) -> str:
    return (
        f"The backup {file} was made and does not agree with the database ({what}), so it was"
        " thrown away: check the disk."
    )


def backup_made(file: str, size: str) -> str:
    return f"{file} holds the database ({size}), was opened and agrees with it."


def latest_backup(file: str | None) -> str:
    if file is None:
        return "There is no backup in the data folder."
    return (
        f"The latest backup is {file}: move the database's files away, copy it to their place, and"
        " start Easel again."
    )


def well(beat_s: float) -> str:
    return f"ok: heard {beat_s:.0f} s ago, connected to Discord, the database takes writes"


def never_heard(folder: str) -> str:
    return f"No Easel runs on the data folder {folder}."


def not_heard(beat_s: float) -> str:
    return f"Easel was last heard {beat_s:.0f} s ago: it has ended or hangs, or its disk is full."


def not_connected() -> str:
    return "Easel runs without a connection to Discord."
