"""The phases of operations in words; the history and the API have their names."""

from django.utils.translation import gettext_lazy as _

PHASES = {
    "": _("preparing"),
    "databases": _("saving the databases"),
    "media": _("saving the files"),
    "storing": _("storing the archive"),
    "pruning": _("removing old backups"),
    "safety copy": _("saving the present state"),
    "fetching": _("fetching the archive"),
    "verifying": _("verifying the archive"),
    "checking": _("checking what it holds"),
    "migrating": _("running migrations"),
    "saving": _("saving the latest changes"),
    "committing": _("replacing the data"),
}
