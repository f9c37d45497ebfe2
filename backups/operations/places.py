"""Where things lie on this machine: what is saved, what is kept, what is private."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from backups.conf import get_settings
from backups.exceptions import Misconfigured
from backups.snapshots import get_media, get_snapshotters
from backups.store import get_default_store


def require_apart() -> None:
    """Raise Misconfigured if one of the places lies inside another."""
    for conflict in find_conflicts():
        raise Misconfigured(conflict)


def find_conflicts() -> Iterator[str]:
    """Yield a sentence for each place that lies where it must not.

    A restore replaces everything inside the media folder, so nothing else may
    be there; and whoever may read the backups reads their whole folder.
    """
    private = {"The workspace": get_settings().workspace}
    private |= {
        f"The database “{alias}”": path
        for alias, snapshotter in get_snapshotters().items()
        for path in snapshotter.places()
    }
    # Archives may be here again tomorrow, whatever is chosen today.
    store = get_default_store().place()
    served = served_folders()
    for name, path in private.items():
        if store and path.is_relative_to(store):
            yield f"{name} lies inside the folder of the backups."
    if store:
        private["The folder of the backups"] = store
    for name, path in private.items():
        for owner, folder in served.items():
            if path.is_relative_to(folder):
                yield f"{name} lies inside {owner}."
    if store:
        for owner, folder in served.items():
            if folder.is_relative_to(store):
                yield f"The folder of the backups contains {owner}."


def served_folders() -> dict[str, Path]:
    """Return the folders that a web server hands out."""
    folders = {"MEDIA_ROOT": settings.MEDIA_ROOT, "STATIC_ROOT": settings.STATIC_ROOT}
    found = {name: Path(path).resolve() for name, path in folders.items() if path}
    if media := get_media():
        found["the media folder"] = media.root
    return found
