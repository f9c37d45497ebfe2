"""Every sentence of an error can be translated: read in the code itself."""

import ast
import gettext
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from backups import exceptions, site_settings
from backups.exceptions import BackupError

APP = Path(__file__).parents[2] / "backups"
LANGUAGES = sorted(path.name for path in (APP / "locale").iterdir())
UNTRANSLATED = ("api", "management", "migrations")
"""The API speaks PocketBase's words, and the terminal speaks English."""

FILES = sorted(
    path
    for path in APP.rglob("*.py")
    if path.relative_to(APP).parts[0] not in UNTRANSLATED
)
ERRORS = {
    name
    for module in (exceptions, site_settings)
    for name, kind in vars(module).items()
    if isinstance(kind, type)
    and issubclass(kind, BackupError)
    # Those with one of their own are not given a message.
    and kind.__init__ is BackupError.__init__
}
TEMPLATE_AT = dict.fromkeys([*ERRORS, "CronError", "Text"], 0) | {"bad_member": 1}
"""What is made of a template, and which of its arguments that is."""


def calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            match node.func:
                case ast.Name(id=name) | ast.Attribute(attr=name):
                    yield name, node


def marked(node: ast.AST) -> str | None:
    """Return the text of ``_("text")``."""
    match node:
        case ast.Call(func=ast.Name(id="_"), args=[ast.Constant(value=str(text))]):
            return text
    return None


def find_flaws(source: str) -> Iterator[str]:
    """Yield what can't be translated, or what would break a template."""
    for name, call in calls(ast.parse(source)):
        if name == "_":
            if marked(call) is None:
                yield f"line {call.lineno}: only one literal can be marked"
            continue
        if name not in TEMPLATE_AT or len(call.args) <= TEMPLATE_AT[name]:
            continue
        template = call.args[TEMPLATE_AT[name]]
        match template:
            case ast.JoinedStr() | ast.BinOp():
                yield f"line {call.lineno}: {name} of a text that is put together"
            case ast.Constant(value=str(text)) if text:
                yield f"line {call.lineno}: {name} of a text that is not marked"
        given = {keyword.arg for keyword in call.keywords}
        text = marked(template)
        if text is not None and None not in given:
            wanted = set(re.findall(r"%\((\w+)\)", text))
            if wanted != given:
                yield f"line {call.lineno}: {wanted} wanted, {given} given"


def test_the_errors_that_are_given_a_message_are_known():
    assert {"InvalidArchive", "StoreFailed", "UnreadableSettings"} <= ERRORS
    assert not {"BackupNotFound", "OperationInProgress", "InvalidSettings"} & ERRORS
    assert len(FILES) > 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(APP)))
def test_every_error_is_raised_with_a_marked_template(path):
    assert list(find_flaws(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        'raise StoreFailed("It broke.")',
        'raise StoreFailed(f"{what} broke.")',
        'raise exceptions.StoreFailed("It " + what)',
        'raise StoreFailed(_(f"{what} broke."))',
        "raise StoreFailed(_(what))",
        'raise StoreFailed(_("%(what)s broke."))',
        'raise StoreFailed(_("It broke."), what="it")',
        'error = StoreFailed("It broke.")',
        'Text("It broke.")',
        'raise CronError("It broke.")',
        'raise bad_member(name, "is broken")',
    ],
)
def test_a_sentence_that_can_not_be_translated_is_found(source):
    assert list(find_flaws(source))


@pytest.mark.parametrize(
    "source",
    [
        'raise StoreFailed(_("It broke."))',
        'raise StoreFailed(_("%(what)s broke."), what=what)',
        "raise StoreFailed(text.message, **text.params)",
        "raise StoreFailed(_DAMAGED) from error",
        "raise BackupNotFound(f'{key}.zip')",
        'raise bad_member(f"{name}", _("is broken"))',
        'Text("")',
    ],
)
def test_a_sentence_that_can_be_translated_is_let_pass(source):
    assert not list(find_flaws(source))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_marked_text_is_in_the_catalog(language):
    catalog = gettext.translation("django", APP / "locale", [language])._catalog
    found = {
        text
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text()))
        if (text := marked(node))
    }
    assert found - catalog.keys() == set(), "run: make messages"
