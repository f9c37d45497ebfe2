"""What bodies look like: the schemas below ``components`` of OpenAPI 3.0."""

from collections.abc import Iterator, Sequence
from typing import Any

from backups.api.settings import FILESYSTEMS
from backups.api.validation import IDENTITY_FIELDS, MAX_CREDENTIAL
from backups.models import Operation
from backups.site_settings import SECRETS, defaults

Schema = dict[str, Any]
COMPONENTS = "#/components/schemas/"

CODES = (
    "validation_backup_name_exists",
    "validation_in_invalid",
    "validation_invalid_cron",
    "validation_invalid_mime_type",
    # Spelled so by PocketBase.
    "validation_invlaid_ip_or_subnet",
    "validation_is_email",
    "validation_is_url",
    "validation_length_out_of_range",
    "validation_match_invalid",
    "validation_min_greater_equal_than_required",
    "validation_required",
)
"""Every code that a field can be refused with."""


def ref(name: str) -> Schema:
    return {"$ref": COMPONENTS + name}


def refs_in(schema: Any) -> Iterator[str]:
    """Yield the name of each component that *schema* refers to."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            yield schema["$ref"].removeprefix(COMPONENTS)
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from refs_in(item)


def record(properties: Schema, *, optional: Sequence[str] = ()) -> Schema:
    required = [name for name in properties if name not in optional]
    schema: Schema = {"type": "object", "properties": properties}
    return schema | ({"required": required} if required else {})


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def text(about: str = "", *, kind: str = "string", **more: Any) -> Schema:
    description = {"description": about} if about else {}
    return {"type": kind, **description, **more}


def number(about: str = "", **more: Any) -> Schema:
    return text(about, kind="integer", **more)


def flag(about: str = "") -> Schema:
    return text(about, kind="boolean")


def moment(about: str, *, maybe: bool = False) -> Schema:
    """Return the schema of a moment, which is "" for none where *maybe*."""
    pattern = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z"
    return text(
        about,
        pattern=f"^({pattern})?$" if maybe else f"^{pattern}$",
        example="2026-11-23 18:25:47.460Z",
    )


# The settings, whose shape is that of their defaults ---------------------------


def shape_of(value: Any) -> Schema:
    """Return the schema of values like *value*."""
    match value:
        case dict():
            return record({name: shape_of(inner) for name, inner in value.items()})
        case list():
            # Only rate limits are no texts, and those have defaults.
            return array(shape_of(value[0]) if value else text())
        case bool():
            return flag()
        case int():
            return number()
    return text()


def settings_answer() -> Schema:
    return shape_of(defaults())


def settings_change() -> Schema:
    """Return the same with secrets, where everything may be left out."""
    schema = settings_answer()
    for *groups, name in SECRETS:
        place = schema
        for group in groups:
            place = place["properties"][group]
        place["properties"][name] = text(
            "Write only. Left out: the stored one stays. Empty: it is deleted."
        )
    _let_all_out(schema)
    return schema


def _let_all_out(schema: Schema) -> None:
    schema.pop("required", None)
    schema["nullable"] = True
    for inner in schema.get("properties", {}).values():
        _let_all_out(inner)


def settings_form() -> Schema:
    """Return the change as a form, which names fields like ``backups.cron``."""
    return {"type": "object", "properties": dict(_flat(settings_change()))}


def _flat(schema: Schema, prefix: str = "") -> Iterator[tuple[str, Schema]]:
    for name, inner in schema["properties"].items():
        if "properties" in inner:
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield prefix + name, {**inner, "nullable": False}


# Errors ------------------------------------------------------------------------


def problems(*fields: str) -> Schema:
    """Return the schema of errors of those fields."""
    return {
        "type": "object",
        "properties": {name: ref("BackupFieldProblem") for name in fields},
        "additionalProperties": False,
    }


def settings_problems() -> Schema:
    items: Schema = {
        "type": "object",
        "description": "By the place in the list.",
        "additionalProperties": ref("BackupFieldProblem"),
    }
    schema = problems("superuserIPs", "backups", "meta")
    backups = problems("cron", "cronMaxKeep", "s3")
    backups["properties"]["s3"] = problems(
        "endpoint", "bucket", "region", "accessKey", "secret"
    )
    schema["properties"] = {
        "superuserIPs": items,
        "backups": backups,
        "meta": problems(
            "appName", "senderName", "appURL", "senderAddress", "accentColor"
        ),
    }
    return schema


def invalid(data: Schema) -> Schema:
    """Return the envelope with errors of fields."""
    return {
        "allOf": [
            ref("BackupProblem"),
            {"type": "object", "properties": {"data": data}},
        ]
    }


# All of them -------------------------------------------------------------------


def off() -> Schema:
    return record({"enabled": flag(), "duration": number()})


def accounts() -> dict[str, Schema]:
    return {
        "BackupAccount": record(
            {
                "collectionId": text(),
                "collectionName": text(example="_superusers"),
                "created": moment("When the account was made.", maybe=True),
                "email": text(),
                "emailVisibility": flag(),
                "id": text(),
                "updated": moment("When it logged in last.", maybe=True),
                "username": text(),
                "verified": flag(),
            }
        ),
        "BackupCredentials": record(
            {
                "identity": text(
                    "E-mail address or username.",
                    minLength=1,
                    maxLength=MAX_CREDENTIAL,
                    example="admin@example.com",
                ),
                "password": text(
                    minLength=1, maxLength=MAX_CREDENTIAL, format="password"
                ),
                "identityField": text(
                    "Which of both the identity is; empty for either.",
                    enum=["", *IDENTITY_FIELDS],
                ),
            },
            optional=["identityField"],
        ),
        "BackupLogin": record({"record": ref("BackupAccount"), "token": text()}),
        "BackupToken": record({"token": text()}),
        "BackupAuthMethods": record(
            {
                "password": record(
                    {"identityFields": array(text()), "enabled": flag()}
                ),
                "oauth2": record({"providers": array(record({})), "enabled": flag()}),
                "mfa": off(),
                "otp": off(),
                "authProviders": {"description": "Always null."},
                "usernamePassword": flag(),
                "emailPassword": flag(),
            }
        ),
    }


def preview() -> Schema:
    files = record(
        {
            "count": number(minimum=0),
            "bytes": number(minimum=0),
            "examples": array(text()),
        }
    )
    rows = number("Rows; null where there is no such table.", nullable=True)
    table = record({"name": text(), "now": rows, "then": rows})
    database = record(
        {"alias": text(), "tables": array(table), "toMigrate": array(text())}
    )
    kinds = ("added", "changed", "removed", "unchanged")
    return record(
        {
            "key": text(),
            "created": text("When it was made, in ISO 8601."),
            "refusal": text("Why it can't be restored here; empty if it can."),
            "databases": array(database),
            "media": {**record(dict.fromkeys(kinds, files)), "nullable": True},
            "bytesNeeded": number(minimum=0),
            "bytesFree": number(minimum=0),
            "seconds": number("About how long it would take.", minimum=0),
        }
    )


def backups() -> dict[str, Schema]:
    return {
        "Backup": record(
            {
                "modified": moment("When it was stored."),
                "key": text("Its name, by which it is asked for.", minLength=1),
                "size": number("Bytes.", minimum=0),
            }
        ),
        "BackupName": record(
            {
                "name": text(
                    "Left out or empty: one with the site's name and the time. Else"
                    " up to 150 of `a-z`, `0-9`, `_` and `-`, and `.zip`.",
                    pattern=r"^([a-z0-9_-]{1,146}\.zip)?$",
                    nullable=True,
                    example="before-upgrade.zip",
                )
            },
            optional=["name"],
        ),
        "BackupOperation": record(
            {
                "id": text(format="uuid"),
                "kind": text(enum=list(Operation.Kind.values)),
                "key": text("The archive that it is about."),
                "state": text(enum=list(Operation.State.values)),
                "phase": text("What it is doing, or did last."),
                "bytesDone": number(minimum=0),
                "bytesTotal": number("0 where it isn't known.", minimum=0),
                "started": moment("When it began."),
                "finished": moment("When it ended; empty while it runs.", maybe=True),
                "actor": text("Who asked for it."),
                "error": text("Why it failed."),
                "notes": array(text()),
                "safetyKey": text(
                    "Of a restore: the backup that it made of the state before."
                ),
            }
        ),
        "BackupPreview": preview(),
        "BackupJob": record({"id": text(), "expression": text()}),
    }


def site() -> dict[str, Schema]:
    superuser = {
        "canBackup": flag("Whether no backup or restore runs."),
        "possibleProxyHeader": text("A header of a known proxy in front."),
        "realIP": text("The caller's address."),
    }
    return {
        "BackupHealth": record(
            {
                "message": text(),
                "code": number(example=200),
                "data": {
                    **record(superuser, optional=list(superuser)),
                    "description": "Empty for all but superusers.",
                },
            }
        ),
        "BackupCollections": record(
            {
                "items": array(record({})),
                "page": number(),
                "perPage": number(),
                "totalItems": number(),
                "totalPages": number(),
            }
        ),
        "BackupFilesystem": record(
            {"filesystem": text(enum=list(FILESYSTEMS), example="backups")}
        ),
        "BackupSettings": settings_answer(),
        "BackupSettingsChange": settings_change(),
        "BackupSettingsForm": settings_form(),
    }


def errors() -> dict[str, Schema]:
    return {
        "BackupFieldProblem": record(
            {
                "code": text(enum=list(CODES)),
                "message": text(),
                "params": {"type": "object", "description": "The rule's numbers."},
            },
            optional=["params"],
        ),
        "BackupProblem": record(
            {
                "data": {"type": "object", "description": "Errors of fields, if any."},
                "message": text("A sentence for a person."),
                "status": number("The same as the answer's."),
            }
        ),
    }


def components() -> dict[str, Schema]:
    """Return every component by its name."""
    return {**backups(), **accounts(), **site(), **errors()}
