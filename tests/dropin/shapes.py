"""The shapes of projects: each what ``startproject`` makes, and small edits."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

NAME = "shop"
EMAIL = "owner@example.com"
PASSWORD = "a-long-test-password"

STORAGES = """
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage",
    },
}
"""
INSTALL = """
INSTALLED_APPS += ["backups"]
STORAGES["backups"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": BASE_DIR / "backups"},
}
"""
"""All that the README asks for, beside one include()."""

SITE = """
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS += ["shelf"]
MEDIA_ROOT = BASE_DIR / "media"
"""
MODELS = """
from django.db import models


class Book(models.Model):
    title = models.CharField(max_length=100)
    cover = models.FileField(upload_to="covers", blank=True)
"""
VIEWS = """
import json

from django.apps import apps
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.core.files.base import ContentFile
from django.http import JsonResponse
from django.views.decorators.csrf import csrf_exempt

from .models import Book


@csrf_exempt
@login_not_required
def books(request):
    entries = []
    if apps.is_installed("ledger"):
        from ledger.models import Entry

        entries = Entry.objects
    if request.method == "POST":
        change(json.loads(request.body)["title"], entries)
    return JsonResponse({
        "books": [[book.title, cover(book)] for book in Book.objects.all()],
        "entries": [entry.text for entry in entries.all()] if entries else [],
    })


def change(title, entries):
    for book in Book.objects.all():
        book.cover.delete(save=False)
        book.delete()
    book = Book(title=title)
    if settings.MEDIA_ROOT:
        book.cover.save(f"{title}.txt", ContentFile(title), save=False)
    book.save()
    if entries:
        entries.all().delete()
        entries.create(text=title)


def cover(book):
    if not book.cover:
        return ""
    with book.cover.open() as file:
        return file.read().decode()
"""
URLS = """
from django.urls import include, path

from shelf.views import books

urlpatterns = [
    path("books/", books),
    path("api/", include("backups.api.urls")),
]
"""
SHELF = {
    "shelf/__init__.py": "",
    "shelf/migrations/__init__.py": "",
    "shelf/models.py": MODELS,
    "shelf/views.py": VIEWS,
}
MIGRATE = (("makemigrations", "-v0"), ("migrate", "-v0"))


@dataclasses.dataclass(frozen=True)
class Shape:
    """What makes a project of this kind, and where its doors are."""

    files: dict[str, str]
    edit: Callable[[Path], None]
    commands: tuple[tuple[str, ...], ...] = MIGRATE
    superuser: tuple[str, ...] = ("--username", "owner", "--email", EMAIL)
    server: str = "gunicorn"
    server_environment: dict[str, str] = dataclasses.field(default_factory=dict)
    api: str = "/api/"
    page: str = "/books/"
    public: str = ""
    """What a proxy takes off the paths before it hands them on."""
    has_media: bool = True
    store: str = "backups"
    workspace: str = "backups-workspace"


def append(path: Path, *parts: str) -> None:
    path.write_text(path.read_text() + "".join(parts))


# A site like that of the tutorial ------------------------------------------


def edit_plain(folder: Path) -> None:
    borrowed = "from django.conf.global_settings import STORAGES\n"
    append(folder / NAME / "settings.py", borrowed, SITE, INSTALL)


PLAIN = Shape({**SHELF, f"{NAME}/urls.py": URLS}, edit_plain, server="wsgiref")


# A site that sets all it can, mostly against us ---------------------------

HOSTILE_SETTINGS = """
AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["people.backends.EmailBackend"]
INSTALLED_APPS += ["people", "ledger", "rest_framework"]
MIDDLEWARE += [
    "django.middleware.locale.LocaleMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
]
LANGUAGE_CODE = "de"
USE_I18N = True
USE_THOUSAND_SEPARATOR = True
USE_TZ = False
TIME_ZONE = "Europe/Berlin"
APPEND_SLASH = True
CONN_MAX_AGE = 600
DATABASES["default"]["ATOMIC_REQUESTS"] = True
DATABASES["books"] = {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": str(BASE_DIR / "books # 2.sqlite3"),
    "ATOMIC_REQUESTS": True,
    "OPTIONS": {"init_command": "PRAGMA journal_mode=WAL;"},
}
DATABASE_ROUTERS = ["ledger.routers.Router"]
REST_FRAMEWORK = {
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.AdminRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 1,
    "DEFAULT_THROTTLE_CLASSES": ["rest_framework.throttling.AnonRateThrottle"],
    "DEFAULT_THROTTLE_RATES": {"anon": "1/day"},
    "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
    "ALLOWED_VERSIONS": ["9"],
    "EXCEPTION_HANDLER": "nowhere.handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": "fields",
}
SIMPLE_JWT = {
    "ALGORITHM": "HS512",
    "AUDIENCE": "shop",
    "ISSUER": "shop",
    "TOKEN_TYPE_CLAIM": "kind",
    "USER_ID_FIELD": "email",
    "SIGNING_KEY": "a key of the site's own tokens, long enough for HS512" * 2,
}
"""
PEOPLE = """
from django.contrib.auth.base_user import BaseUserManager
from django.contrib.auth.models import AbstractUser
from django.db import models


class PersonManager(BaseUserManager):
    def create_superuser(self, email, password):
        person = self.model(email=email, is_staff=True, is_superuser=True)
        person.set_password(password)
        person.save()
        return person


class Person(AbstractUser):
    username = None
    email = models.EmailField(unique=True)
    objects = PersonManager()
    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = []
"""
BACKENDS = """
from django.contrib.auth.backends import ModelBackend


class EmailBackend(ModelBackend):
    def authenticate(self, request, username=None, password=None):
        return super().authenticate(request, username=username, password=password)
"""
LEDGER = """
from django.db import models


class Entry(models.Model):
    text = models.CharField(max_length=100)
"""
ROUTERS = """
class Router:
    def db_for_read(self, model, **hints):
        return "books" if model._meta.app_label == "ledger" else None

    db_for_write = db_for_read

    def allow_migrate(self, db, app_label, **hints):
        return (db == "books") == (app_label == "ledger")
"""
HOSTILE_URLS = """
from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from shelf.views import books

tools = [path("api/", include("backups.api.urls"))]
urlpatterns = [
    path("books/", books),
    path("internal/tools/", include((tools, "tools"), namespace="inner")),
    *i18n_patterns(path("", admin.site.urls)),
]
"""


def edit_hostile(folder: Path) -> None:
    append(folder / NAME / "settings.py", STORAGES, SITE, HOSTILE_SETTINGS, INSTALL)


HOSTILE = Shape(
    {
        **SHELF,
        "people/__init__.py": "",
        "people/migrations/__init__.py": "",
        "people/models.py": PEOPLE,
        "people/backends.py": BACKENDS,
        "ledger/__init__.py": "",
        "ledger/migrations/__init__.py": "",
        "ledger/models.py": LEDGER,
        "ledger/routers.py": ROUTERS,
        f"{NAME}/urls.py": HOSTILE_URLS,
    },
    edit_hostile,
    # Of the second database only its own app is migrated, as many sites do.
    (*MIGRATE, ("migrate", "ledger", "-v0", "--database", "books")),
    superuser=("--email", EMAIL),
    server="gunicorn --workers 2 --threads 4",
    api="/internal/tools/api/",
)


# A service: few apps, no uploads, settings in parts ------------------------

LEAN_SETTINGS = """
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SECRET_KEY = "only for this test"
DEBUG = False
ALLOWED_HOSTS = ("127.0.0.1",)
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "shelf",
    "people",
]
MIDDLEWARE = ("django.middleware.common.CommonMiddleware",)
AUTH_USER_MODEL = "people.Person"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
ROOT_URLCONF = "shop.urls"
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ROOT / "db.sqlite3"},
}
FORCE_SCRIPT_NAME = "/outside"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
}
"""
LEAN_INSTALL = """
from .base import *

INSTALLED_APPS += ["backups"]
STORAGES["backups"] = {
    "BACKEND": "django.core.files.storage.FileSystemStorage",
    "OPTIONS": {"location": ROOT / "archives"},
}
BACKUPS = {"WORKSPACE": ROOT / "workspace"}
"""
LEAN_PEOPLE = """
import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models


class PersonManager(BaseUserManager):
    def create_superuser(self, login, password):
        person = self.model(login=login, is_superuser=True)
        person.set_password(password)
        person.save()
        return person


class Person(AbstractBaseUser):
    key = models.UUIDField(primary_key=True, default=uuid.uuid4)
    login = models.CharField(max_length=100, unique=True)
    is_superuser = models.BooleanField(default=False)
    last_login = None
    objects = PersonManager()
    USERNAME_FIELD = "login"
"""


def edit_lean(folder: Path) -> None:
    (folder / NAME / "settings.py").unlink()


LEAN = Shape(
    {
        **SHELF,
        "people/__init__.py": "",
        "people/migrations/__init__.py": "",
        "people/models.py": LEAN_PEOPLE,
        f"{NAME}/settings/__init__.py": LEAN_INSTALL,
        f"{NAME}/settings/base.py": LEAN_SETTINGS,
        f"{NAME}/urls.py": URLS,
    },
    edit_lean,
    superuser=("--login", EMAIL),
    public="/outside",
    has_media=False,
    store="archives",
    workspace="workspace",
)


# A site that a web server has put below a path of its own -------------------


def edit_below(folder: Path) -> None:
    append(folder / NAME / "settings.py", STORAGES, SITE, INSTALL)
    append(folder / NAME / "settings.py", 'CSRF_COOKIE_PATH = "/stores/shop"\n')


BELOW = Shape(
    {**SHELF, f"{NAME}/urls.py": URLS},
    edit_below,
    server="gunicorn --threads 4",
    server_environment={"SCRIPT_NAME": "/stores/shop"},
    api="/stores/shop/api/",
    page="/stores/shop/books/",
)

SHAPES = {"plain": PLAIN, "hostile": HOSTILE, "lean": LEAN, "below": BELOW}
