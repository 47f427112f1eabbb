"""Damage by somebody who knows the format: a file stays plausible, and one to three of its own numbers are false.

Each function takes the file's bytes and a generator, as those of `support.mutations` do.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

from numpy.random import Generator

from levit_mobile.inspection import executorch, flatbuffer, tflite
from levit_mobile.mil.protobuf import schema
from support.flatbuffer_places import Place, places
from support.protobuf_places import field_changed, lengths

MOST = 3  # changes to one file
DEEP = 100_000  # levels of a nested list that is meant to end a recursive parser
BLOB_BYTES = 64  # an entry of a weight file, and what its data are aligned to
BLOB_FIELDS = ((0, 4), (4, 4), (8, 8), (16, 8))  # sentinel, element type, bytes, offset: first byte and width
PAYLOAD = b"XH00"
PAYLOAD_FIELDS = ((4, 2), (6, 4), (10, 4), (14, 4), (18, 8))  # after the magic: header size, graph, constants
PROGRAM_FIELDS = ((8, 4), (12, 4), (16, 8), (24, 8))  # of a .pte: magic, header size, program, segments


def changed(data: bytes, drawn: Generator, of: Callable[[bytes], Sequence[Place]]) -> bytes:
    """One to `MOST` of the places get another number; each kind of place is as likely as the others."""
    known, found = of(data), bytearray(data)
    kinds = sorted({place.kind for place in known})
    for _ in range(int(drawn.integers(1, MOST + 1))):
        kind = kinds[drawn.integers(len(kinds))]
        alike = [place for place in known if place.kind == kind]
        place, other = (alike[drawn.integers(len(alike))] for _ in range(2))
        number = _number(data, place, other, drawn) % 256**place.width
        found[place.at : place.at + place.width] = number.to_bytes(place.width, "little")
    return bytes(found)


def _number(data: bytes, place: Place, other: Place, drawn: Generator) -> int:
    """An extreme, a neighbour, the file's own size, another place's number, or the way to another place's target."""
    bits, now = 8 * place.width, _at(data, place)
    there = _at(data, other)
    choices = (0, 1, 2**bits - 1, 2 ** (bits - 1) - 1, 2 ** (bits - 1), 2 ** int(drawn.integers(bits)))
    choices += (len(data), len(data) - place.at, there, other.at + there - place.at, other.at - place.at)
    choices += tuple(now + sign * int(drawn.integers(1, 17)) for sign in (1, -1) for _ in range(3))
    return int(choices[drawn.integers(len(choices))])


def _at(data: bytes, place: Place) -> int:
    return int.from_bytes(data[place.at : place.at + place.width], "little")


# The places of each format


@cache
def _tflite(data: bytes) -> list[Place]:
    return places(data, flatbuffer.schema(tflite.SCHEMA))


@cache
def _program(data: bytes) -> list[Place]:
    header = [Place("header", at, width) for at, width in PROGRAM_FIELDS]
    return [*header, *places(data, executorch._schemas()[0])]


@cache
def _payloads(data: bytes) -> list[Place]:
    """Those of all XNNPACK graphs inside a `.pte`."""
    found, at = list[Place](), data.find(PAYLOAD)
    while at >= 0:
        found += [Place("header", at + start, width) for start, width in PAYLOAD_FIELDS]
        graph = at - 4 + int.from_bytes(data[at + 6 : at + 10], "little")
        found += places(data, executorch._schemas()[1], graph)
        at = data.find(PAYLOAD, at + 1)
    return found


@cache
def _weights(data: bytes) -> list[Place]:
    """The file's header, and the header of each constant."""
    entries = [i for i in range(0, len(data), BLOB_BYTES) if data[i : i + 4] == b"\xef\xbe\xad\xde"]
    header = [Place("file", 0, 4), Place("file", 4, 4)]
    return header + [Place(str(at), entry + at, width) for entry in entries for at, width in BLOB_FIELDS]


@cache
def _model(data: bytes) -> list[Place]:
    return lengths(data, schema().Model.DESCRIPTOR)


def model_fields(data: bytes, drawn: Generator) -> bytes:
    """One to `MOST` fields of a Core ML model, however deep, are away, twice there or another value."""
    model = schema().Model.FromString(data)
    for _ in range(int(drawn.integers(1, MOST + 1))):
        field_changed(model, drawn)
    return bytes(model.SerializeToString())


# JSON

WORDS = ("", ".", "..", "/", "a\0b", "\ud800", "\udcff", "a\nb")
ODD: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**400, *WORDS, [], {}, [[]], {"": {}})


def json_value(data: bytes, drawn: Generator) -> bytes:
    """One to `MOST` values of a JSON file, or the names of them, are something else, or away."""
    held = [json.loads(data)]
    for _ in range(int(drawn.integers(1, MOST + 1))):
        inside = list(_inside(held))
        where, key = inside[drawn.integers(len(inside))]
        match drawn.integers(4):
            case 0:
                where[key] = ODD[drawn.integers(len(ODD))]
            case 1 if isinstance(where, dict):
                del where[key]
            case 2 if isinstance(where, dict):
                where[str(ODD[drawn.integers(len(ODD))])] = where.pop(key)
            case _:
                where[key] = [where[key]]
    return json.dumps(held[0] if held else None).encode() if drawn.integers(8) else _deep(held, drawn)


def _deep(held: list[Any], drawn: Generator) -> bytes:
    """A value that is nested beyond any stack, alone or in its place."""
    inside = list(_inside(held))
    where, key = inside[drawn.integers(len(inside))]
    where[key] = "DEEP"
    opened = ("[", '{"a":')[drawn.integers(2)]
    return json.dumps(held[0]).replace('"DEEP"', opened * DEEP).encode()


def _inside(value: Any) -> Any:
    """Every container that `value` is, with each of its keys."""
    for key in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, key
        if isinstance(value[key], dict | list):
            yield from _inside(value[key])


DAMAGE: dict[str, Callable[[bytes, Generator], bytes]] = {
    "tflite": partial(changed, of=_tflite),
    "pte": partial(changed, of=_program),
    "XNNPACK": partial(changed, of=_payloads),
    "weights": partial(changed, of=_weights),
    "mlmodel": partial(changed, of=_model),
    "mlmodel's fields": model_fields,
    "manifest": json_value,
}
