"""The views: each reads a form, calls an operation, and shows a template."""

import shutil
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import (
    Http404,
    HttpRequest,
    HttpResponseBase,
    HttpResponseRedirect,
    JsonResponse,
)
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_GET, require_POST

from backups import dispatch, operations, scheduler, site_settings
from backups.api.download import send_file
from backups.exceptions import BackupError, BackupNotFound, BackupProtected
from backups.middleware import leave_gate
from backups.models import Backup, Operation
from backups.site_settings import Stored
from backups.store import Stored as File
from backups.templatetags.backups_words import localized

from .forms import (
    PRESETS,
    CreateForm,
    RestoreForm,
    SettingsForm,
    UploadForm,
)
from .phases import in_words, log_of
from .upload import Receiving, receiving

ROWS = 50


def place(name: str, **query: Any) -> str:
    """Return the address of a page."""
    address = reverse(f"admin:backups_backup_{name}")
    return f"{address}?{urlencode(query)}" if query else address


def show(
    request: HttpRequest, model_admin: Any, template: str, title: str, **context: Any
) -> TemplateResponse:
    """Return a page in the frame of the admin."""
    frame = {
        **model_admin.admin_site.each_context(request),
        "opts": Backup._meta,
        "title": title,
        **context,
    }
    return TemplateResponse(request, f"backups/{template}.html", frame)


def go(name: str, **query: Any) -> HttpResponseRedirect:
    return HttpResponseRedirect(place(name, **query))


@require_GET
def overview(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """The status in one sentence, what can be done, and all backups."""
    stored = Stored.load()
    running = operations.running_operation()
    context: dict[str, Any] = {
        "create_form": CreateForm(),
        "upload_form": UploadForm(),
        "settings_form": settings_form(stored),
        "presets": PRESETS,
        "upcoming": upcoming(stored),
        "running": running,
        "phase": running and in_words(running.phase),
        "is_idle": operations.is_idle(),
        "recent": operations.recent_operations()[:5],
        "query": request.GET.get("q", ""),
    }
    try:
        found = operations.describe_backups()
        context |= {
            "last": operations.last_good_backup(found),
            "failure": fresh_failure(),
            "place": operations.describe_place(),
            "free": free_space(),
        }
    except BackupError as error:
        found = []
        context["store_error"] = localized(error.text)
    wanted = [info for info in found if context["query"].lower() in info.key.lower()]
    backups = Paginator(wanted, ROWS).get_page(request.GET.get("page"))
    return show(
        request,
        model_admin,
        "overview",
        _("Backups"),
        backups=backups,
        total=len(found),
        total_size=sum(info.size for info in found),
        **context,
    )


def fresh_failure() -> Operation | None:
    """Return the newest operation if it failed: what failed before a success is past."""
    last = operations.recent_operations().exclude(state=Operation.State.RUNNING).first()
    return last if last and last.state == Operation.State.FAILED else None


def free_space() -> int | None:
    """Return the free bytes where archives are kept; None elsewhere than here."""
    folder = operations.local_place()
    return shutil.disk_usage(folder).free if folder else None


def upcoming(stored: Stored) -> list[Any]:
    return scheduler.next_runs(stored, 3)


def settings_form(stored: Stored, data: Any = None) -> SettingsForm:
    initial = {"cron": stored.cron, "keep": stored.max_keep or 3}
    return SettingsForm(data, initial=initial)


@require_POST
def create(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    form = CreateForm(request.POST)
    if not form.is_valid():
        return refuse(request, str(form.errors["name"][0]))
    name = form.cleaned_data["name"]
    return start(request, lambda: operations.claim_create(name, actor=actor(request)))


@require_POST
def verify(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    key = wanted_backup(request).key
    return start(request, lambda: operations.claim_verify(key, actor=actor(request)))


@require_POST
def undo(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    undone = wanted_operation(request)
    return start(
        request, lambda: operations.claim_undo(undone.token, actor=actor(request))
    )


def restore(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """What would change, and the name to be typed; then the restore."""
    key = wanted_backup(request).key
    form = RestoreForm(key, request.POST if request.method == "POST" else None)
    if form.is_valid():
        wish = form.cleaned_data["safety_copy"]
        return start(
            request,
            lambda: operations.claim_restore(
                key, actor=actor(request), safety_copy=wish
            ),
        )
    preview = operations.preview_restore(key)
    return show(
        request,
        model_admin,
        "restore",
        _("Restore %(key)s") % {"key": key},
        key=key,
        form=form,
        preview=preview,
        databases=[(database, changes(database)) for database in preview.databases],
    )


def changes(database: Any) -> list[Any]:
    """Return the tables whose number of rows will be another one."""
    return [table for table in database.tables if table.now != table.then]


def delete(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """Ask once more, then delete."""
    found = wanted_backup(request)
    key = found.key
    if request.method == "POST":
        operations.delete_backup(key, actor=actor(request))
        messages.success(request, _("Deleted “%(key)s”.") % {"key": key})
        return go("changelist")
    info = operations.describe_backup(found)
    until = info.protected_until
    refusal = localized(BackupProtected(key, until).text) if until else None
    title = _("Delete %(key)s") % {"key": key}
    return show(request, model_admin, "delete", title, info=info, refusal=refusal)


@require_POST
@csrf_exempt
def upload(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """Receive a file straight to where archives are kept.

    The check of CSRF reads the form, so the handlers are set before it, and
    nothing is stored until it has passed.
    """
    with receiving(request, actor(request)) as received:
        return store_upload(request, received)


@csrf_protect
def store_upload(request: HttpRequest, received: Receiving) -> HttpResponseBase:
    try:
        key = received.publish()
    except (BackupError, OSError) as error:
        return refuse(request, localized(operations.words_for(error)))
    messages.success(request, _("Stored “%(key)s”.") % {"key": key})
    if wants_json(request):
        return JsonResponse({"url": place("details", key=key)})
    return go("details", key=key)


@require_GET
def details(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """The manifest of one archive, and what the history knows of it."""
    found = wanted_backup(request)
    info = operations.describe_backup(found)
    context: dict[str, Any] = {"info": info, "contents": info.contents}
    try:
        manifest = operations.read_manifest(found)
        context["contents"] = operations.count_contents(manifest)
        context["misfit"] = operations.find_misfit(manifest)
        context["databases"] = operations.parse_databases(manifest)
        context["manifest"] = manifest
    except BackupError as error:
        context["flaw"] = localized(error.text)
    past = operations.recent_operations().filter(key=found.key)[:20]
    return show(request, model_admin, "details", found.key, past=past, **context)


@require_GET
def download(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    found = wanted_backup(request)
    file = operations.open_backup(found)
    leave_gate(request)
    return send_file(request, found, file)


@require_POST
def settings(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    form = settings_form(Stored.load(), request.POST)
    if not form.is_valid():
        return refuse(
            request, " ".join(str(e) for es in form.errors.values() for e in es)
        )
    group = {
        "cron": form.cleaned_data["cron"],
        "cronMaxKeep": form.cleaned_data["keep"],
    }
    site_settings.change({"backups": group})
    messages.success(request, _("The schedule was saved."))
    return go("changelist")


@require_GET
def history(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    page = Paginator(operations.recent_operations(), ROWS).get_page(
        request.GET.get("page")
    )
    return show(request, model_admin, "history", _("History of backups"), past=page)


@require_GET
def operation(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """One operation: live while it runs, its outcome afterwards."""
    found = wanted_operation(request)
    title = name_operation(found)
    can_undo = bool(
        found.kind == Operation.Kind.RESTORE
        and found.state == Operation.State.SUCCEEDED
        and found.safety_key
    )
    return show(
        request,
        model_admin,
        "operation",
        title,
        operation=found,
        phase=in_words(found.phase),
        log=log_of(found),
        can_undo=can_undo,
    )


def name_operation(found: Operation) -> str:
    return f"{found.get_kind_display()} {found.key}"


@require_GET
def status(request: HttpRequest, model_admin: Any) -> HttpResponseBase:
    """What a page that is open asks again and again."""
    found = (
        wanted_operation(request)
        if request.GET.get("id")
        else operations.running_operation()
    )
    return JsonResponse(
        {
            "idle": operations.is_idle(),
            "operation": found
            and {
                "id": str(found.token),
                "state": found.state,
                "title": name_operation(found),
                "phase": in_words(found.phase),
                "done": found.bytes_done,
                "total": found.bytes_total,
                "url": place("operation", id=found.token),
            },
        }
    )


def start(
    request: HttpRequest, claim: Callable[[], operations.Claim]
) -> HttpResponseBase:
    """Claim and start an operation; its own page shows how it goes."""
    claimed = claim()
    if dispatch.is_inline():
        leave_gate(request)
    dispatch.run(claimed)
    return go("operation", id=claimed.token)


def refusing(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return *view* with an answer for what can't be done."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            return view(request, *args, **kwargs)
        except BackupError as error:
            return refuse(request, localized(error.text))

    return guarded


def refuse(request: HttpRequest, reason: str) -> HttpResponseBase:
    """Say why not: as JSON to a script, above the page to a person."""
    if wants_json(request):
        return JsonResponse({"message": reason}, status=400)
    messages.error(request, reason)
    return go("changelist")


def wants_json(request: HttpRequest) -> bool:
    """Whether a script asks, and not a person."""
    return request.headers.get("Accept") == "application/json"


def actor(request: HttpRequest) -> str:
    return request.user.get_username()


def wanted_backup(request: HttpRequest) -> File:
    """Return the backup that the address names. Raises Http404 or StoreFailed."""
    try:
        return operations.find_backup(request.GET.get("key", ""))
    except BackupNotFound as error:
        raise Http404(str(error)) from error


def wanted_operation(request: HttpRequest) -> Operation:
    """Return the operation that the address names. Raises Http404."""
    found = operations.find_operation(request.GET.get("id", ""))
    if found is None:
        raise Http404(_("There is no such operation."))
    return found
