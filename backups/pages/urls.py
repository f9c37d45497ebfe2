"""The paths of the pages, below those of the admin's model."""

from typing import Any

from django.urls import URLPattern, path

from . import views
from .access import link, page


def page_urls(model_admin: Any) -> list[URLPattern]:
    """Return the paths; the first has the name that the admin's index looks for."""

    def route(text: str, view: Any, name: str) -> URLPattern:
        guarded = page(views.refusing(view), model_admin)
        return path(text, guarded, name=f"backups_backup_{name}")

    return [
        # What is refused is told there, so it tells its own troubles itself.
        path("", page(views.overview, model_admin), name="backups_backup_changelist"),
        route("create/", views.create, "create"),
        route("upload/", views.upload, "upload"),
        route("details/", views.details, "details"),
        path(
            "download/",
            link(views.refusing(views.download), model_admin),
            name="backups_backup_download",
        ),
        route("delete/", views.delete, "delete"),
        route("verify/", views.verify, "verify"),
        route("restore/", views.restore, "restore"),
        route("undo/", views.undo, "undo"),
        route("settings/", views.settings, "settings"),
        route("history/", views.history, "history"),
        route("operation/", views.operation, "operation"),
        route("status/", views.status, "status"),
    ]
