"""Plain zips, and what only looks like one: CONTRACT §1.3."""

import io
import zipfile

import pytest

from backups.sniff import SNIFFED_BYTES, is_plain_zip

EMPTY = b"PK\x05\x06" + bytes(18)


def zip_of(*names: str, **contents: str) -> bytes:
    """Return the head of a zip with these members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in (*names, *contents):
            archive.writestr(name, contents.get(name, "content"))
    return buffer.getvalue()[:SNIFFED_BYTES]


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(EMPTY, id="empty archive"),
        pytest.param(zip_of("data.db"), id="archive"),
        pytest.param(b"PK\x07\x08" + b"PK\x03\x04", id="split archive"),
        pytest.param(b"PK\x03\x04junk", id="signature, then junk"),
        pytest.param(b"PK\x03\x04", id="only the signature"),
        pytest.param(zip_of("sword/x", "axl/x", "myword/x"), id="similar names"),
        pytest.param(zip_of("media/word/document.xml"), id="document's name deeper"),
        pytest.param(zip_of(mimetype="text/plain"), id="another declared type"),
        pytest.param(zip_of("a", "b/", "mimetype"), id="member called mimetype"),
    ],
)
def test_a_plain_zip_is_one(head: bytes) -> None:
    assert is_plain_zip(head)


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"P", id="one byte"),
        pytest.param(b"PK", id="two bytes"),
        pytest.param(b"PK\x03", id="three bytes"),
        pytest.param(b"PK\x01\x02", id="central record"),
        pytest.param(b" " + EMPTY, id="zip after a space"),
        pytest.param(b"hello", id="text"),
        pytest.param(b"\x1f\x8b\x08\x00", id="gzip"),
    ],
)
def test_whatever_begins_otherwise_is_none(head: bytes) -> None:
    assert not is_plain_zip(head)


OTHERS = {
    "docx": zip_of("[Content_Types].xml", "_rels/.rels", "word/document.xml"),
    "xlsx": zip_of("[Content_Types].xml", "xl/workbook.xml"),
    "pptx": zip_of("[Content_Types].xml", "ppt/presentation.xml"),
    "visio": zip_of("[Content_Types].xml", "visio/document.xml"),
    "jar": zip_of("META-INF/", "META-INF/MANIFEST.MF", "A.class"),
    "apk": zip_of("AndroidManifest.xml", "classes.dex"),
    "kmz": zip_of("doc.kml"),
    "epub": zip_of(mimetype="application/epub+zip"),
    "odt": zip_of(mimetype="application/vnd.oasis.opendocument.text"),
    "ods": zip_of(mimetype="application/vnd.oasis.opendocument.spreadsheet"),
    "odp": zip_of(mimetype="application/vnd.oasis.opendocument.presentation"),
    "odg": zip_of(mimetype="application/vnd.oasis.opendocument.graphics"),
    "odf": zip_of(mimetype="application/vnd.oasis.opendocument.formula"),
    "odc": zip_of(mimetype="application/vnd.oasis.opendocument.chart"),
    "sxc": zip_of(mimetype="application/vnd.sun.xml.calc"),
}


@pytest.mark.parametrize("head", OTHERS.values(), ids=OTHERS)
def test_a_document_or_a_program_is_none(head: bytes) -> None:
    assert not is_plain_zip(head)


@pytest.mark.parametrize("length", range(4, 120))
def test_a_head_may_end_anywhere(length: int) -> None:
    assert is_plain_zip(zip_of("databases/default.sqlite3", "media/a")[:length])
