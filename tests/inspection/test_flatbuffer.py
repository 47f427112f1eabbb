"""The flatbuffer reader against buffers that flatbuffers itself has built, and against damage."""

from __future__ import annotations

from typing import Any

import pytest

from levit_mobile.inspection import flatbuffer

TEXT = """
// a comment; with { brackets }
namespace any.name;
enum Colour : byte { RED = 0, BLUE = 4, GREEN, }
union Thing { Leaf, Other: Leaf }
table Leaf { value: int = 7; /* slot 1 */ wide: ulong (deprecated); name: string (required); }
table Tree { colour: Colour = BLUE; thing: Thing; leaves: [Leaf]; bytes: [ubyte]; numbers: [short]; ratio: double; }
root_type Tree;
"""
SCHEMA = flatbuffer.schema(TEXT)


def built() -> bytes:
    """A Tree with a Thing that is an Other, two leaves, three bytes and two shorts; colour and ratio by default."""
    import flatbuffers

    builder: Any = flatbuffers.Builder()
    names = [builder.CreateString(name) for name in ("one", "zwölf")]
    leaves = []
    for name, value in zip(names, (7, 300), strict=True):
        builder.StartObject(3)
        builder.PrependInt32Slot(0, value, 7)
        builder.PrependUOffsetTRelativeSlot(2, name, 0)
        leaves.append(builder.EndObject())
    builder.StartVector(4, 2, 4)
    for leaf in reversed(leaves):
        builder.PrependUOffsetTRelative(leaf)
    several = builder.EndVector()
    content = builder.CreateByteVector(b"\x00\x01\xff")
    builder.StartVector(2, 2, 2)
    for number in (-2, 5):
        builder.PrependInt16(number)
    numbers = builder.EndVector()
    builder.StartObject(7)
    builder.PrependUint8Slot(1, 2, 0)
    for slot, offset in ((2, leaves[1]), (3, several), (4, content), (5, numbers)):
        builder.PrependUOffsetTRelativeSlot(slot, offset, 0)
    builder.Finish(builder.EndObject())
    return bytes(builder.Output())


def test_every_kind_of_field_is_read() -> None:
    tree = flatbuffer.root(built(), SCHEMA)
    assert tree["colour"] == "BLUE"
    assert (tree.member("thing"), tree["thing"].kind, tree["thing"]["name"]) == ("Other", "Leaf", "zwölf")
    assert [(leaf["value"], leaf["name"]) for leaf in tree["leaves"]] == [(7, "one"), (300, "zwölf")]
    assert bytes(tree["bytes"]) == b"\x00\x01\xff"
    assert tree["numbers"] == (5, -2)
    assert tree["ratio"] == 0.0
    assert tree.has("leaves")
    assert not tree.has("roots")


def test_enums_count_on_and_unions_take_two_slots() -> None:
    assert SCHEMA.enums["Colour"] == ("byte", {0: "RED", 4: "BLUE", 5: "GREEN"})
    assert {name: field.slot for name, field in SCHEMA.tables["Tree"].items()} == {
        "colour": 0,
        "thing": 2,
        "leaves": 3,
        "bytes": 4,
        "numbers": 5,
        "ratio": 6,
    }


def test_a_schema_without_a_root_is_refused() -> None:
    with pytest.raises(ValueError, match="no root table"):
        flatbuffer.schema("table A { b: int; }")


def everything(table: flatbuffer.Table) -> None:
    """Read all that there is."""
    for name in SCHEMA.tables[table.kind]:
        value = table[name]
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, flatbuffer.Table):
                everything(item)


def test_a_cut_buffer_is_a_value_error() -> None:
    data = built()
    everything(flatbuffer.root(data, SCHEMA))
    for size in range(len(data) - 4):
        with pytest.raises(ValueError, match=r"cut short|at byte"):
            everything(flatbuffer.root(data[:size], SCHEMA))


def test_a_changed_byte_is_read_or_a_value_error() -> None:
    data, refused = built(), 0
    for place in range(len(data)):
        for value in (0x00, 0x7F, 0xFF):
            changed = data[:place] + bytes([value]) + data[place + 1 :]
            try:
                everything(flatbuffer.root(changed, SCHEMA))
            except ValueError:
                refused += 1
    assert 0 < refused < 3 * len(data)
