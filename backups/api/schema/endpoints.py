"""Every endpoint in plain words: who may call it, with what, and what comes back."""

from backups.api.exceptions import BUSY, DEFAULT, NOT_FOUND, UNREADABLE_BODY
from backups.api.parsers import FORM, JSON, MULTIPART
from backups.api.settings import NO_S3, NOT_SAVED
from backups.api.views import NO_DELETE, NO_RESTORE, NO_STORE

from .endpoint import Answer, Caller, Endpoint, done, header, json, parameter
from .shapes import array, flag, number, problems, record, ref, settings_problems, text

ZIP = "application/zip"
CLOSED = "The site is being restored. Try again in a few seconds."
KEY = "before-upgrade.zip"

# Paths ---------------------------------------------------------------------------

PATH_PARAMETERS = {
    "key": parameter("key", "The name of a stored backup.", example=KEY),
    "token": parameter(
        "token",
        "The id of an operation.",
        example="3f1c4bb0-6f0e-4c0f-9a43-5b8b5f1d2f10",
    ),
    "job": parameter("job", "The id of a job.", example="__pbAutoBackup__"),
    "collection": parameter(
        "collection",
        "`_superusers` or `users`, or the id of one.",
        example="_superusers",
    ),
}

# Backups -------------------------------------------------------------------------

PREFER = parameter(
    "Prefer",
    "`respond-async`: answer 202 at once instead of waiting for the end.",
    example="respond-async",
)
SAFETY_COPY = parameter(
    "safetyCopy",
    "Whether the present state is saved first; the site's settings say what is usual.",
) | {"schema": flag()}
ACCEPTED = Answer(
    about="It was asked not to wait, and the work has begun.",
    content={JSON: ref("BackupOperation")},
    headers={
        "Location": header("Where to ask how it goes."),
        "Preference-Applied": header("What was asked.", enum=["respond-async"]),
    },
)
DOWNLOAD_HEADERS = {
    "Accept-Ranges": header("Ranges can be asked for.", enum=["bytes"]),
    "ETag": header("Names these very bytes."),
    "Last-Modified": header("When it was stored."),
}
FILE_HEADERS = {
    **DOWNLOAD_HEADERS,
    "Content-Disposition": header("Its name.", pattern="^attachment"),
    "Content-Length": header("Bytes.", pattern="^[0-9]+$"),
}
BYTES = text(format="binary")

BACKUPS = {
    "BackupViewSet.list": Endpoint(
        id="listBackups",
        tag="Backups",
        summary="List all backups",
        about="In the order of their keys, all at once.",
        answers={200: json(array(ref("Backup")), "The backups.")},
        errors={400: "Failed to retrieve backup items."},
    ),
    "BackupViewSet.create": Endpoint(
        id="createBackup",
        tag="Backups",
        summary="Create a backup",
        about="Answers when the archive is stored. The work goes on if the client"
        " goes away.",
        headers=(PREFER,),
        body={JSON: ref("BackupName"), FORM: ref("BackupName")},
        body_is_required=False,
        answers={**done("The backup is stored."), 202: ACCEPTED},
        errors={400: BUSY},
        problems=problems("name"),
    ),
    "BackupViewSet.upload": Endpoint(
        id="uploadBackup",
        tag="Backups",
        summary="Upload a backup",
        about="Stored under the name of the file. It has no limit of size, and may"
        " be done while something else runs.",
        body={MULTIPART: record({"file": text("A zip.", format="binary")})},
        parts={"file": ZIP},
        answers=done("The backup is stored."),
        errors={400: "Failed to upload backup."},
        problems=problems("file"),
    ),
    "BackupViewSet.retrieve": Endpoint(
        id="downloadBackup",
        tag="Backups",
        summary="Download a backup",
        about="For a link: it wants a file token in the address and no header.",
        caller=Caller.FILE_TOKEN,
        headers=(
            parameter("Range", "Which bytes are wanted.", example="bytes=0-99"),
            parameter("If-Range", "An ETag: ranges only of these very bytes."),
            parameter("If-Match", "ETags: 412 if it has another."),
            parameter("If-None-Match", "ETags: 304 if it has one of them."),
            parameter("If-Modified-Since", "A moment: 304 if it is not newer."),
            parameter("If-Unmodified-Since", "A moment: 412 if it is newer."),
        ),
        answers={
            200: Answer(
                about="The archive.", content={ZIP: BYTES}, headers=FILE_HEADERS
            ),
            206: Answer(
                about="The bytes asked for; several ranges come as parts.",
                content={ZIP: BYTES, "multipart/byteranges": BYTES},
                headers={
                    **FILE_HEADERS,
                    "Content-Range": header(
                        "Which bytes these are, if it is one range.",
                        required=False,
                        pattern="^bytes [0-9]+-[0-9]+/[0-9]+$",
                    ),
                },
            ),
            304: Answer(about="The client has it already.", headers=DOWNLOAD_HEADERS),
            412: Answer(about="It is another one.", headers=DOWNLOAD_HEADERS),
            416: Answer(
                about="There are no such bytes, or the header can't be read.",
                content={"text/plain": text()},
                headers={
                    "Content-Range": header(
                        "How many bytes there are.",
                        required=False,
                        pattern=r"^bytes \*/[0-9]+$",
                    )
                },
            ),
        },
        errors={404: NOT_FOUND, 500: NO_STORE},
    ),
    "BackupViewSet.destroy": Endpoint(
        id="deleteBackup",
        tag="Backups",
        summary="Delete a backup",
        answers=done("It is gone."),
        errors={400: NO_DELETE, 404: NOT_FOUND},
    ),
    "BackupViewSet.restore": Endpoint(
        id="restoreBackup",
        tag="Backups",
        summary="Restore the site from a backup",
        about="Answers when every byte of the archive is proven and the site is being"
        " replaced by it. For that moment the site answers 503. A backup that can't"
        " be restored is refused with the reason, and changes nothing.",
        query=(SAFETY_COPY,),
        headers=(PREFER,),
        answers={**done("The site is being replaced."), 202: ACCEPTED},
        errors={400: NO_RESTORE, 404: NOT_FOUND, 500: NO_STORE},
    ),
    "BackupViewSet.preview": Endpoint(
        id="previewRestore",
        tag="Backups",
        summary="See what a restore would change",
        about="Judged by the archive's lists alone, so it is no proof.",
        answers={200: json(ref("BackupPreview"), "What would change.")},
        errors={400: NO_RESTORE, 404: NOT_FOUND, 500: NO_STORE},
    ),
    "BackupViewSet.verify": Endpoint(
        id="verifyBackup",
        tag="Backups",
        summary="Prove that a backup can be restored",
        about="Everything that a restore checks, and no change.",
        headers=(PREFER,),
        answers={**done("It is whole."), 202: ACCEPTED},
        errors={400: NO_RESTORE, 404: NOT_FOUND, 500: NO_STORE},
    ),
}

# Operations ----------------------------------------------------------------------

OPERATIONS = {
    "OperationViewSet.list": Endpoint(
        id="listOperations",
        tag="Operations",
        summary="List what ran and what runs",
        about="The newest hundred, newest first.",
        answers={200: json(array(ref("BackupOperation")), "The operations.")},
    ),
    "OperationViewSet.retrieve": Endpoint(
        id="getOperation",
        tag="Operations",
        summary="See how an operation goes or went",
        answers={200: json(ref("BackupOperation"), "The operation.")},
        errors={404: NOT_FOUND},
    ),
    "OperationViewSet.undo": Endpoint(
        id="undoRestore",
        tag="Operations",
        summary="Undo a restore",
        about="A restore of the backup that it made of the state before.",
        headers=(PREFER,),
        answers={**done("The site is being replaced."), 202: ACCEPTED},
        errors={
            400: "There is no such restore that could be undone.",
            404: NOT_FOUND,
            500: NO_STORE,
        },
    ),
    "CronViewSet.list": Endpoint(
        id="listJobs",
        tag="Operations",
        summary="List the scheduled jobs",
        about="One, the automatic backup, if the settings have a schedule.",
        answers={200: json(array(ref("BackupJob")), "The jobs.")},
    ),
    "CronViewSet.run": Endpoint(
        id="runJob",
        tag="Operations",
        summary="Run a scheduled job now",
        answers=done("It has begun."),
        errors={404: "Missing or invalid cron job."},
    ),
}

# Accounts ------------------------------------------------------------------------

NO_COLLECTION = {404: "Missing or invalid collection context."}

ACCOUNTS = {
    "AuthWithPasswordView.post": Endpoint(
        id="logIn",
        tag="Accounts",
        summary="Log in with a password",
        about="The token goes into the `Authorization` header. It dies with the"
        " password.",
        caller=Caller.ANYBODY,
        body=dict.fromkeys((JSON, FORM, MULTIPART), ref("BackupCredentials")),
        answers={200: json(ref("BackupLogin"), "Logged in.")},
        errors={
            400: "Failed to authenticate.",
            429: "Too Many Requests.",
            **NO_COLLECTION,
        },
        problems=problems("identity", "password", "identityField"),
    ),
    "AuthRefreshView.post": Endpoint(
        id="refreshLogin",
        tag="Accounts",
        summary="Get a new token for a valid one",
        caller=Caller.ACCOUNT,
        answers={200: json(ref("BackupLogin"), "A new token.")},
        errors=NO_COLLECTION,
    ),
    "AuthMethodsView.get": Endpoint(
        id="listLoginMethods",
        tag="Accounts",
        summary="See how to log in",
        caller=Caller.ANYBODY,
        answers={200: json(ref("BackupAuthMethods"), "The methods.")},
        errors=NO_COLLECTION,
    ),
    "FileTokenView.post": Endpoint(
        id="createFileToken",
        tag="Accounts",
        summary="Get a token for download links",
        about="Good for a few minutes.",
        caller=Caller.ACCOUNT,
        answers={200: json(ref("BackupToken"), "The token.")},
    ),
}

# Settings ------------------------------------------------------------------------

SETTINGS = {
    "SettingsView.get": Endpoint(
        id="getSettings",
        tag="Settings",
        summary="Read the settings",
        about="Without secrets.",
        answers={200: json(ref("BackupSettings"), "The settings.")},
    ),
    "SettingsView.patch": Endpoint(
        id="changeSettings",
        tag="Settings",
        summary="Change settings",
        about="What is left out keeps its value. A list is replaced as a whole.",
        body={
            JSON: ref("BackupSettingsChange"),
            FORM: ref("BackupSettingsForm"),
            MULTIPART: ref("BackupSettingsForm"),
        },
        body_is_required=False,
        answers={200: json(ref("BackupSettings"), "The settings in force.")},
        errors={400: UNREADABLE_BODY},
        problems=settings_problems(),
        refusal=NOT_SAVED,
    ),
    "S3TestView.post": Endpoint(
        id="testS3",
        tag="Settings",
        summary="Try out the S3 of the settings",
        about="A small file is written, read, listed and deleted.",
        body={JSON: ref("BackupFilesystem"), FORM: ref("BackupFilesystem")},
        answers=done("It works."),
        errors={400: NO_S3},
        problems=problems("filesystem"),
        refusal=NO_S3,
    ),
}

# The site ------------------------------------------------------------------------

SITE = {
    "HealthView.get": Endpoint(
        id="getHealth",
        tag="Site",
        summary="See whether the site is up",
        about="Superusers also learn whether a backup can start.",
        caller=Caller.ANYBODY_OR_SUPERUSER,
        answers={200: json(ref("BackupHealth"), "It is up.")},
    ),
    "CollectionsView.get": Endpoint(
        id="listCollections",
        tag="Site",
        summary="List the collections: none",
        about="PocketBase's dashboard asks for it.",
        query=(parameter("perPage", "") | {"schema": number(minimum=1)},),
        answers={200: json(ref("BackupCollections"), "An empty page.")},
    ),
    "ScaffoldsView.get": Endpoint(
        id="listScaffolds",
        tag="Site",
        summary="List the templates of collections: none",
        about="PocketBase's dashboard asks for it.",
        answers={200: json(record({}), "None.")},
    ),
    "OAuth2ProvidersView.get": Endpoint(
        id="listOAuth2Providers",
        tag="Site",
        summary="List the providers of logins: none",
        about="PocketBase's dashboard asks for it.",
        answers={200: json(array(record({})), "None.")},
    ),
}

ENDPOINTS = {**BACKUPS, **OPERATIONS, **ACCOUNTS, **SETTINGS, **SITE}
"""By the view's class and its action or method."""

ALIASES = {"BackupViewSet.retrieve_upload", "BackupViewSet.destroy_upload"}
"""The same as other endpoints, for a key that is also another path."""

COMMON = {400: DEFAULT, 500: DEFAULT, 503: CLOSED}
"""What every endpoint may answer."""
