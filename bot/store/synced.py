"""Which slash commands Discord has been told, so that they are sent again only when changed."""

from bot.store.database import Transaction


async def payload_sha256(tx: Transaction, scope: str) -> str | None:
    row = await tx.one("SELECT payload_sha256 FROM synced WHERE scope = :scope", scope=scope)
    return None if row is None else row["payload_sha256"]


async def note(tx: Transaction, scope: str, payload_sha256: str) -> None:
    await tx.run(
        "INSERT INTO synced (scope, payload_sha256) VALUES (:scope, :payload_sha256)"
        " ON CONFLICT (scope) DO UPDATE SET payload_sha256 = excluded.payload_sha256",
        scope=scope,
        payload_sha256=payload_sha256,
    )
