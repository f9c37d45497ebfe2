"""Damage that knows nothing of the format."""

import random

PIECE = 4096


def flip_bits(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    bent = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 8, 64))):
        bent[place(rng, data)] ^= 1 << rng.randrange(8)
    return bytes(bent)


def insert_bytes(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    at = place(rng, data)
    return data[:at] + rng.randbytes(rng.choice((1, 2, 30, 1000))) + data[at:]


def delete_bytes(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    at = place(rng, data)
    return data[:at] + data[at + rng.choice((1, 2, 30, 1000)) :]


def truncate(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    end = rng.choice((rng.randrange(len(data)), len(data) - rng.randrange(1, 200)))
    return data[:end]


def cut_the_start(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    return data[rng.choice((1, 4, 30, rng.randrange(1, len(data)))) :]


def swap_blocks(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    size = rng.choice((4, 46, 512, PIECE))
    one, two = sorted(rng.randrange(max(1, len(data) - size)) for _ in range(2))
    if two - one < size:
        two = min(one + size, len(data) - size)
    first, second = data[one : one + size], data[two : two + size]
    middle = data[one + size : two]
    return data[:one] + second + middle + first + data[two + size :]


def repeat_a_stretch(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    start = place(rng, data)
    end = start + rng.choice((46, 512, PIECE))
    return data[:end] + data[start:end] + data[end:]


def overwrite(rng: random.Random, data: bytes, _other: bytes) -> bytes:
    at, size = place(rng, data), rng.choice((2, 4, 8, 64, PIECE))
    filling = rng.choice((b"\0" * size, b"\xff" * size, rng.randbytes(size)))
    return data[:at] + filling[: len(data) - at] + data[at + size :]


def splice(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Join the head of one archive to the tail of another."""
    return data[: rng.randrange(len(data))] + other[rng.randrange(len(other)) :]


def transplant(rng: random.Random, data: bytes, other: bytes) -> bytes:
    """Put a stretch of another archive in the place of one as long."""
    size = rng.choice((30, 512, PIECE))
    at, start = place(rng, data), place(rng, other)
    return data[:at] + other[start : start + size] + data[at + size :]


def append_junk(rng: random.Random, data: bytes, other: bytes) -> bytes:
    tails = (b"\0", b"\n", b"PK\5\6" + b"\0" * 18, rng.randbytes(500), data, other)
    return data + rng.choice(tails)


def prepend_junk(rng: random.Random, data: bytes, other: bytes) -> bytes:
    heads = (b"PK\3\4", b"PK\5\6" + b"\0" * 18, b"#!/bin/sh\n", b"PK00", other)
    return rng.choice((*heads, rng.randbytes(64))) + data


def place(rng: random.Random, data: bytes) -> int:
    """Return an offset: half of them in the last kilobytes, where the index is."""
    first = rng.choice((0, max(0, len(data) - 3000), max(0, len(data) - 120)))
    return rng.randrange(first, len(data))


BLIND = {
    "bit flips": (flip_bits, overwrite),
    "bytes lost or added": (insert_bytes, delete_bytes),
    "truncations": (truncate, cut_the_start),
    "blocks moved": (swap_blocks, repeat_a_stretch),
    "splices": (splice, transplant),
    "junk around": (append_junk, prepend_junk),
}
