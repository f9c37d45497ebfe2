"""Byte ranges: the table of CONTRACT §6."""

import io
from email import message_from_bytes
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backups.api.ranges import (
    BLOCK_SIZE,
    MalformedRange,
    RangeError,
    Slice,
    UnsatisfiableRange,
    content_range,
    multipart_ranges,
    parse_range,
)

SIZE = 17540


class ReadRecorder(io.BytesIO):
    """Remembers how much was asked for."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.sizes.append(-1 if size is None else size)
        return super().read(size)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("bytes=0-3", [(0, 4)]),
        ("bytes=-4", [(SIZE - 4, 4)]),
        ("bytes=-99999", [(0, SIZE)]),
        ("bytes=10-", [(10, SIZE - 10)]),
        ("bytes=17539-", [(SIZE - 1, 1)]),
        ("bytes=5-99999", [(5, SIZE - 5)]),
        ("bytes=0-1,4-5", [(0, 2), (4, 2)]),
        ("bytes= 0 - 1 ,, 4-5 ,", [(0, 2), (4, 2)]),
        ("bytes=0-0,99999-", [(0, 1)]),
    ],
)
def test_it_reads_ranges(header: str, expected: list[tuple[int, int]]) -> None:
    assert parse_range(header, SIZE) == expected


@pytest.mark.parametrize(
    "header", ["", "bytes=", "bytes=,", "bytes=0-,0-", "bytes=-1,0-"]
)
def test_these_headers_mean_the_whole_file(header: str) -> None:
    assert parse_range(header, SIZE) == []


@pytest.mark.parametrize("header", ["bytes=0-", "bytes=5-", "bytes=-5", "bytes=-0"])
def test_an_empty_file_is_always_sent_whole(header: str) -> None:
    assert parse_range(header, 0) == []


@pytest.mark.parametrize(
    "header",
    [
        "bytes=5-2",
        "junk=1",
        "bytes",
        "bytes 0-1",
        "Bytes=0-1",
        "bytes=1",
        "bytes=-",
        "bytes=--4",
        "bytes=a-b",
        "bytes=0x1-2",
        "bytes=+1-2",
        "bytes=0-1,x",
        "bytes=²-",
        "bytes=0-" + "9" * 5000,
    ],
)
def test_it_refuses_a_malformed_header(header: str) -> None:
    with pytest.raises(MalformedRange, match=r"^invalid range$"):
        parse_range(header, SIZE)


@pytest.mark.parametrize("header", ["bytes=999999-", "bytes=17540-17541", "bytes=-0"])
def test_it_refuses_ranges_outside_the_file(header: str) -> None:
    with pytest.raises(UnsatisfiableRange, match=r"^invalid range: failed to overlap$"):
        parse_range(header, SIZE)


@given(header=st.text("bytes=0123456789-, ", max_size=20), size=st.integers(0, 200))
def test_every_range_lies_inside_the_file(header: str, size: int) -> None:
    try:
        ranges = parse_range(f"bytes={header}", size)
    except RangeError:
        return
    assert all(start >= 0 and length > 0 for start, length in ranges)
    assert all(start + length <= size for start, length in ranges)
    assert sum(length for _, length in ranges) <= size


def test_content_range_counts_to_the_last_byte() -> None:
    assert content_range(0, 4, SIZE) == "bytes 0-3/17540"


def test_a_slice_ends_at_its_length() -> None:
    window = Slice(io.BytesIO(b"0123456789"), 2, 5)

    assert [window.read(3), window.read(3), window.read(3)] == [b"234", b"56", b""]


def test_a_slice_ends_with_the_file() -> None:
    assert list(Slice(io.BytesIO(b"0123"), 2, 5)) == [b"23"]


@pytest.mark.parametrize("size", [-1, 10 * BLOCK_SIZE])
def test_a_slice_reads_one_block_at_most(size: int) -> None:
    file = ReadRecorder(b"x" * (2 * BLOCK_SIZE))

    assert len(Slice(file, 0, 2 * BLOCK_SIZE).read(size)) == BLOCK_SIZE
    assert file.sizes == [BLOCK_SIZE]


def test_a_slice_is_iterated_in_blocks() -> None:
    window = Slice(io.BytesIO(b"x" * (3 * BLOCK_SIZE)), 1, 2 * BLOCK_SIZE + 7)

    assert [len(block) for block in window] == [BLOCK_SIZE, BLOCK_SIZE, 7]


def test_a_slice_hides_the_descriptor_and_closes_the_file(tmp_path: Path) -> None:
    path = tmp_path / "test.zip"
    path.write_bytes(b"0123456789")
    file = path.open("rb")

    window = Slice(file, 0, 4)
    assert not hasattr(window, "fileno")
    window.close()

    assert file.closed


def test_several_ranges_make_a_multipart_body() -> None:
    file = io.BytesIO(b"0123456789")

    body, total, boundary = multipart_ranges(
        file, [(0, 2), (4, 3)], 10, "application/zip"
    )
    sent = b"".join(body)

    assert len(sent) == total
    assert sent.startswith(f"--{boundary}\r\n".encode())
    header = f"Content-Type: multipart/byteranges; boundary={boundary}\r\n\r\n"
    message = message_from_bytes(header.encode() + sent)
    _, *parts = message.walk()
    assert [
        (part["Content-Range"], part["Content-Type"], part.get_payload())
        for part in parts
    ] == [
        ("bytes 0-1/10", "application/zip", "01"),
        ("bytes 4-6/10", "application/zip", "456"),
    ]


def test_a_multipart_body_reads_one_block_at_a_time() -> None:
    file = ReadRecorder(b"x" * (3 * BLOCK_SIZE))

    body, total, _ = multipart_ranges(
        file, [(5, 2 * BLOCK_SIZE), (0, 3)], 3 * BLOCK_SIZE, "application/zip"
    )

    assert sum(map(len, body)) == total
    assert max(file.sizes) == BLOCK_SIZE
    assert -1 not in file.sizes


def test_a_multipart_body_that_never_started_still_closes_the_file() -> None:
    file = io.BytesIO(b"0123456789")

    body, _, _ = multipart_ranges(file, [(0, 1), (2, 1)], 10, "application/zip")
    body.close()

    assert file.closed


def test_every_body_has_its_own_boundary() -> None:
    file = io.BytesIO(b"0123456789")

    boundaries = {multipart_ranges(file, [(0, 1)], 10, "x/y")[2] for _ in range(3)}

    assert len(boundaries) == 3
