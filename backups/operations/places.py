"""Where things lie on this machine: what is saved, what is kept, what is private."""

from collections.abc import Iterator
from pathlib import Path

from django.conf import settings

from backups.conf import get_settings
from backups.exceptions import Misconfigured
from backups.snapshots import get_media, get_snapshotters
from backups.store import get_default_store
from backups.texts import Text
from backups.texts import gettext_noop as _


def require_apart() -> None:
    """Raise Misconfigured if one of the places lies inside another."""
    for conflict in find_conflicts():
        raise Misconfigured(conflict.message, **conflict.params)


def find_conflicts() -> Iterator[Text]:
    """Yield a sentence for each place that lies where it must not.

    A restore replaces everything inside the media folder, so nothing else may
    be there; and whoever may read the backups reads their whole folder.
    """
    private = {Text(_("The workspace")): get_settings().workspace}
    private |= {
        Text(_("The database “%(alias)s”"), alias=alias): path
        for alias, snapshotter in get_snapshotters().items()
        for path in snapshotter.places()
    }
    # Archives may be here again tomorrow, whatever is chosen today.
    store = get_default_store().place()
    served = served_folders()
    for name, path in private.items():
        if store and path.is_relative_to(store):
            yield Text(
                _("%(place)s lies inside the folder of the backups."), place=name
            )
    if store:
        private[Text(_("The folder of the backups"))] = store
    for name, path in private.items():
        for owner, folder in served.items():
            if path.is_relative_to(folder):
                yield Text(
                    _("%(place)s lies inside %(owner)s."), place=name, owner=owner
                )
    if store:
        for owner, folder in served.items():
            if folder.is_relative_to(store):
                yield Text(
                    _("The folder of the backups contains %(owner)s."), owner=owner
                )


def served_folders() -> dict[str | Text, Path]:
    """Return the folders that a web server hands out."""
    folders = {"MEDIA_ROOT": settings.MEDIA_ROOT, "STATIC_ROOT": settings.STATIC_ROOT}
    found: dict[str | Text, Path] = {
        name: Path(path).resolve() for name, path in folders.items() if path
    }
    if media := get_media():
        found[Text(_("the media folder"))] = media.root
    return found
