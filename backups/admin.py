"""The page of backups, in the index and the sidebar of the site's admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import URLPattern

from .models import Backup


@admin.register(Backup)
class BackupAdmin(admin.ModelAdmin):
    """A door of its own: what the admin knows as the list of a model is our page."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_enter(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return may_enter(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        # Not above: every command of the site imports this module, and few need them.
        from .pages.urls import page_urls

        return page_urls(self)


def may_enter(request: HttpRequest) -> bool:
    user = request.user
    return user.is_active and getattr(user, "is_superuser", False)
