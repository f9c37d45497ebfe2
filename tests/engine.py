"""Short ways to drive the engine."""

from pathlib import Path

from backups import operations


def create(name: str) -> str:
    return operations.create_backup(operations.claim_create(name, actor="test"))


def restore(key: str) -> None:
    operations.restore_backup(operations.claim_restore(key, actor="test"))


def tree(root: Path) -> dict[str, bytes | None]:
    """Return name → content of every file, None for a folder."""
    return {
        str(path.relative_to(root)): path.read_bytes() if path.is_file() else None
        for path in root.rglob("*")
    }


def keys() -> list[str]:
    """Return the keys of the stored backups."""
    return [item.key for item in operations.list_backups()]


def upload(key: str, content: bytes) -> None:
    operations.upload_backup([content], key, actor="test")
