"""The places of a protobuf that decide how the rest is read, and changes to the fields of a message."""

from __future__ import annotations

from typing import Any

from numpy.random import Generator

from support.flatbuffer_places import Place

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types
EXTREMES = (0, 1, -1, 2, 5, 21, 77, 255, 2**31 - 1, -(2**31), 2**32 - 1, 2**63 - 1, -(2**63), 2**64 - 1)
WORDS = ("", "main", "\0", "@model_path/../x", "@model_path/", "a\nb", "int8", "CoreML99", "x" * 3000)


def lengths(data: bytes, kind: Any, start: int = 0, end: int | None = None) -> list[Place]:
    """The tags, lengths and numbers of a sound message of the descriptor `kind`, and of all messages in it.

    A number of several bytes counts as its bytes, each of which is a place.
    """
    found, at = list[Place](), start
    while at < (len(data) if end is None else end):
        tag, after = _varint(data, at)
        found += [Place("tag", i, 1) for i in range(at, after)]
        field = kind.fields_by_number.get(tag >> 3)
        if tag & 7 in (FIXED64, FIXED32):
            at = after + (8 if tag & 7 == FIXED64 else 4)
            continue
        number, at = _varint(data, after)
        what = "length" if tag & 7 == BYTES else "number"
        found += [Place(what, i, 1) for i in range(after, at)]
        if what == "length":
            if field is not None and field.message_type is not None:
                found += lengths(data, field.message_type, at, at + number)
            at += number
    return found


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place after it."""
    number = shift = 0
    while True:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
        if not data[at - 1] & 128:
            return number, at


def field_changed(message: Any, drawn: Generator) -> None:
    """Change one field of the message or of one within it: clear it, repeat it, or give it another value."""
    held = list(_messages(message))
    chosen = held[drawn.integers(len(held))]
    fields = chosen.DESCRIPTOR.fields
    present = [field for field, _ in chosen.ListFields()]
    among = present if present and drawn.integers(4) else list(fields)
    if not among:
        return
    field = among[drawn.integers(len(among))]
    if not drawn.integers(3):
        chosen.ClearField(field.name)
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        _map_changed(getattr(chosen, field.name), field, drawn)
    elif field.is_repeated:
        _list_changed(getattr(chosen, field.name), field, drawn)
    elif field.message_type is not None:
        getattr(chosen, field.name).SetInParent()
    else:
        _set(chosen, field, drawn)


def _messages(message: Any) -> Any:
    yield message
    for field, value in message.ListFields():
        if field.message_type is None:
            continue
        entries = field.message_type.GetOptions().map_entry
        if entries and field.message_type.fields_by_name["value"].message_type is None:
            continue
        several = value.values() if entries else value if field.is_repeated else [value]
        for item in several:
            yield from _messages(item)


def _map_changed(held: Any, field: Any, drawn: Generator) -> None:
    """An entry gets another name, or a message's entry another one's value."""
    keys = list(held)
    if not keys or not isinstance(keys[0], str):
        return
    old, other = (keys[drawn.integers(len(keys))] for _ in range(2))
    new = (*WORDS, other)[drawn.integers(len(WORDS) + 1)]
    if field.message_type.fields_by_name["value"].message_type is None:
        held[new] = held.pop(old)
        return
    content = held[old].SerializeToString()
    if drawn.integers(2):
        del held[old]
    held[new].ParseFromString(content)


def _list_changed(held: Any, field: Any, drawn: Generator) -> None:
    """An item is away, is twice there, is in another's place, or is another value."""
    if not len(held):
        held.add() if field.message_type is not None else held.append(_value(field, drawn))
        return
    at, other = (int(drawn.integers(len(held))) for _ in range(2))
    if field.message_type is None:
        held[at] = _value(field, drawn)
        return
    match drawn.integers(4):
        case 0:
            del held[at]
        case 1:
            held.append(held[at])
        case 2:
            held[at].CopyFrom(held[other])
        case _:
            held[at].Clear()


def _set(message: Any, field: Any, drawn: Generator) -> None:
    setattr(message, field.name, _value(field, drawn))


def _value(field: Any, drawn: Generator) -> Any:
    """A value of the field's own type, as odd as that allows."""
    if field.cpp_type == field.CPPTYPE_STRING:
        word = WORDS[drawn.integers(len(WORDS))]
        return word.encode() if field.type == field.TYPE_BYTES else word
    if field.cpp_type == field.CPPTYPE_BOOL:
        return bool(drawn.integers(2))
    if field.cpp_type in (field.CPPTYPE_FLOAT, field.CPPTYPE_DOUBLE):
        return (0.0, -1.0, float("nan"), float("inf"), 1e300)[drawn.integers(5)]
    bits = 64 if field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_UINT64) else 32
    signed = field.cpp_type in (field.CPPTYPE_INT64, field.CPPTYPE_INT32, field.CPPTYPE_ENUM)
    least, most = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
    return min(max(EXTREMES[drawn.integers(len(EXTREMES))], least), most)
