"""The description of the API, and schemathesis looking for answers it doesn't allow."""

import re
import shutil
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import schemathesis
from django.urls import include, path
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck, settings
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.config import SchemathesisConfig
from schemathesis.transport.serialization import Binary

from backups.api import urls
from backups.api.base import UnknownPath
from backups.api.schema.endpoints import ALIASES, ENDPOINTS, KEY, PATH_PARAMETERS
from backups.api.schema.shapes import CODES

from .conftest import MakeSite
from .server import EMAIL, PASSWORD, ROOT, Site, wait_until

METHODS = ("get", "post", "put", "patch", "delete")
YEARLY = {"backups": {"cron": "0 0 1 1 *"}}

load_all_checks()
# Left out on purpose, because PocketBase's contract says otherwise: a wrong method
# is 404 and not 405 (unsupported_method, allow_header_conformance); unknown fields,
# keys in another case and bodies where none belongs are accepted
# (negative_data_rejection); and a valid body may still be refused, for a name that
# is taken or a site that is busy (positive_data_acceptance).
WANTED = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "ignored_auth",
    ]
)
OF_WHOLE_ANSWERS = CHECKS.get_by_names(["response_schema_conformance"])

STARTS_A_PROCESS = {
    "createBackup",
    "restoreBackup",
    "runJob",
    "undoRestore",
    "verifyBackup",
}
HAS_MANY_FIELDS = {"changeSettings"}
NO_COVERAGE = {"phases": {"coverage": {"enabled": False}}}
CONFIG = {
    "generation": {"max-examples": 12, "database": "none"},
    # Every method that isn't described is 404; the tests of the pipeline say so.
    "phases": {"coverage": {"unexpected-methods": []}},
    "operations": [
        {
            "include-operation-id": sorted(STARTS_A_PROCESS),
            "generation": {"max-examples": 3},
            **NO_COVERAGE,
        },
        {
            "include-operation-id": sorted(HAS_MANY_FIELDS),
            "generation": {"max-examples": 15},
            **NO_COVERAGE,
        },
    ],
}
DOCUMENT = SchemaGenerator().get_schema(public=True)
described = schemathesis.openapi.from_dict(
    DOCUMENT, config=SchemathesisConfig.from_dict(CONFIG)
)


class Tried:
    """A site that is tried out, and the statuses that each operation answered."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.url = f"http://127.0.0.1:{site.port}"
        self.archive = site.folder / KEY
        shutil.copy(site.backups / KEY, self.archive)
        self.restored = site.wait_for_end(KEY, "restore")["id"]
        self.statuses: dict[str, set[int]] = defaultdict(set)

    def prepare(self, case: Any) -> None:
        """Let the request get as far as it can, and do no harm to the tests."""
        if not (stored := self.site.backups / KEY).exists():
            shutil.copy(self.archive, stored)
        parameters = case.path_parameters or {}
        if len(parameters.get("key", "")) % 2:
            parameters["key"] = KEY  # Half of the keys, or few would exist.
        body = case.body if isinstance(case.body, dict) else {}
        match operation_id(case):
            case "downloadBackup":
                answer = self.site.api("POST", "files/token")
                case.query["token"] = answer.json["token"]
            case "getOperation" | "undoRestore":
                if parameters == {"token": PATH_PARAMETERS["token"]["example"]}:
                    parameters["token"] = self.restored
            case "uploadBackup" if isinstance(body.get("file"), Binary):
                body["file"].data = self.archive.read_bytes()
            case "logIn":
                self.forget_failures()
                if body.get("identity") == EMAIL:
                    body["password"] = PASSWORD
            case "changeSettings":
                make_harmless(body)

    def forget_failures(self) -> None:
        """Let logging in not be refused for what was tried before."""
        with self.site.database() as database:
            database.execute("DELETE FROM backups_loginfailure")

    def call(self, case: Any) -> Any:
        """Send the request until it finds the site open; return the answer."""

        def ask() -> Any:
            answer = case.call(self.url, headers={"Authorization": self.site.token})
            return answer if answer.status_code != 503 else None

        answer = wait_until(ask, "the site is open again")
        self.statuses[operation_id(case)].add(answer.status_code)
        if operation_id(case) in STARTS_A_PROCESS:
            wait_until(self.is_at_rest, "what was begun has ended")
        return answer

    def is_at_rest(self) -> bool:
        answer = self.site.api("GET", "health")
        return answer.status == 200 and answer.json["data"]["canBackup"]

    def never_succeeded(self) -> set[str]:
        return {
            name
            for name, statuses in self.statuses.items()
            if not any(200 <= status < 300 for status in statuses)
        }


def operation_id(case: Any) -> str:
    return case.operation.definition.raw["operationId"]


def make_harmless(changes: dict[str, Any]) -> None:
    """Keep settings from locking the tests out, and from S3 at random addresses."""
    for name in [*changes]:
        if name.split(".")[0] in ("superuserIPs", "trustedProxy"):
            del changes[name]
    changes.pop("backups.s3.enabled", None)
    match changes.get("backups"):
        case {"s3": dict() as s3}:
            s3.pop("enabled", None)


@pytest.fixture(scope="module")
def tried(make_site: MakeSite) -> Iterator[Tried]:
    site = make_site().start()
    assert site.create(KEY).status == 204
    assert site.restore(KEY).status == 204
    tried = Tried(site)
    assert site.api("PATCH", "settings", YEARLY).status == 200
    yield tried
    assert tried.is_at_rest()  # Which the token must still open.
    assert "A view of the API failed." not in site.log.read_text()
    # Or little would have been looked at. S3 is off.
    assert tried.never_succeeded() <= {"testS3"}


@pytest.mark.live
@described.parametrize()
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_it_answers_as_described(case: Any, tried: Tried) -> None:
    tried.prepare(case)
    answer = tried.call(case)
    case.validate_response(
        answer,
        checks=WANTED,
        # Who asks for some fields gets no others.
        excluded_checks=OF_WHOLE_ANSWERS if "fields" in (case.query or {}) else None,
        headers={"Authorization": tried.site.token},
    )


@pytest.mark.live
def test_the_server_shows_the_description(tried: Tried) -> None:
    answer = tried.site.request("GET", "/api/openapi.json")

    assert answer.json == DOCUMENT


@pytest.mark.live
def test_the_page_needs_nothing_but_this_server(tried: Tried) -> None:
    page = tried.site.request("GET", "/api/docs/").body.decode()

    needed = re.findall(r'<(?:script|link)[^>]* (?:src|href)="([^"]+)"', page)
    assert len(needed) == 5
    assert page.count("<script") == page.count("<script src=")
    assert {tried.site.request("GET", url).status for url in needed} == {200}


def test_every_route_is_described() -> None:
    routes = set()
    for pattern in urls.urlpatterns:
        view = getattr(pattern.callback, "cls", UnknownPath)
        actions = getattr(pattern.callback, "actions", None) or {
            method: method for method in METHODS if hasattr(view, method)
        }
        routes |= {f"{view.__name__}.{name}" for name in actions.values()}

    assert routes == {*ENDPOINTS, *ALIASES}
    assert {operation["operationId"] for operation in operations(DOCUMENT)} == {
        endpoint.id for endpoint in ENDPOINTS.values()
    }


def test_every_tag_is_explained() -> None:
    used = {tag for operation in operations(DOCUMENT) for tag in operation["tags"]}

    assert used == {tag["name"] for tag in DOCUMENT["tags"]}


def test_it_names_the_codes_that_the_api_uses() -> None:
    code = re.compile(r'"(validation_\w+)"')
    files = ROOT.glob("backups/**/*.py")
    sources = [file for file in files if "schema" not in file.parts]
    used = {name for file in sources for name in code.findall(file.read_text())}

    assert used == {*CODES}


def test_its_examples_are_what_it_describes() -> None:
    found = [*examples(DOCUMENT)]

    assert len(found) > 100
    for schema, value in found:
        root = {**schema, "components": DOCUMENT["components"]}
        jsonschema.validate(value, root)


def test_it_is_right_below_any_prefix() -> None:
    patterns = [path("deep/down/", include("backups.api.urls"))]
    document = SchemaGenerator(patterns=patterns).get_schema(public=True)

    moved = {url.replace("/api/", "/deep/down/", 1) for url in DOCUMENT["paths"]}
    assert set(document["paths"]) == moved


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for methods in document["paths"].values() for one in methods.values()]


def examples(node: Any) -> Iterator[tuple[dict[str, Any], Any]]:
    """Yield every example with its schema."""
    if isinstance(node, list):
        for item in node:
            yield from examples(item)
    if not isinstance(node, dict):
        return
    if "example" in node:
        yield node.get("schema", node), node["example"]
    if "schema" in node:
        for example in node.get("examples", {}).values():
            yield node["schema"], example["value"]
    for item in node.values():
        yield from examples(item)
