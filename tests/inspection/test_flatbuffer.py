"""The flatbuffer reader against buffers that flatbuffers itself has built, and against damage."""

from __future__ import annotations

import struct
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


# Buffers laid out byte by byte, to stand at each bound

FLAT = flatbuffer.schema("""
enum Colour : byte { RED = 0, BLUE = 4 }
enum Bare : ubyte { NONE = 1 }
union Thing { Row }
table Row { a: ubyte = 7; b: bool = true; c: float = 1.5; d: int = -3; e: double; f: bool; g: Colour = BLUE; h: Bare; }
table Whole { a: ubyte; thing: Thing; rows: [Row]; bytes: [uint8]; words: [string]; name: string; row: Row; n: [int]; }
root_type Row;
""")
WHOLE = flatbuffer.Schema("Whole", FLAT.tables, FLAT.unions, FLAT.enums)


def laid_out(
    slots: list[int], body: bytes, *, table_bytes: int | None = None, vtable_bytes: int | None = None
) -> bytes:
    """The root's offset, its vtable, and the table: the distance to its vtable, then `body`, from offset 4 on."""
    vtable = struct.pack(
        f"<HH{len(slots)}H",
        4 + 2 * len(slots) if vtable_bytes is None else vtable_bytes,
        4 + len(body) if table_bytes is None else table_bytes,
        *slots,
    )
    start = 4 + len(vtable)
    return struct.pack("<I", start) + vtable + struct.pack("<i", len(vtable)) + body


def test_every_field_that_is_left_out_has_its_default() -> None:
    row = flatbuffer.root(laid_out([], b""), FLAT)
    found = [row[name] for name in "abcdefg"]
    assert found == [7, True, 1.5, -3, 0.0, False, "BLUE"]
    assert [type(value) for value in found[:6]] == [int, bool, float, int, float, bool]
    assert row["h"] == ""
    whole = flatbuffer.root(laid_out([0] * 8, b""), WHOLE)
    assert [whole[name] for name in ("a", "thing", "rows", "words", "name", "row", "n")] == [
        0,
        None,
        (),
        (),
        "",
        None,
        (),
    ]
    assert bytes(whole["bytes"]) == b""
    assert whole.member("thing") == ""


def test_a_field_may_be_the_last_byte_of_its_table_and_none_behind() -> None:
    assert flatbuffer.root(laid_out([4], b"\x09"), FLAT)["a"] == 9
    assert flatbuffer.root(laid_out([5], b"\x09\x0a"), FLAT)["a"] == 10
    with pytest.raises(ValueError, match="a field of Row at byte 10 is outside"):
        flatbuffer.root(laid_out([5], b"\x09"), FLAT)["a"]


def test_a_table_may_end_with_the_file_and_not_behind() -> None:
    assert flatbuffer.root(laid_out([4], b"\x09", table_bytes=5), FLAT)["a"] == 9
    with pytest.raises(ValueError, match="the Row at byte 10 is not valid"):
        flatbuffer.root(laid_out([4], b"\x09", table_bytes=6), FLAT)


@pytest.mark.parametrize(
    ("sizes", "sound"), [((4, 4), True), ((2, 4), False), ((0, 4), False), ((5, 4), False), ((4, 3), False)]
)
def test_a_vtable_and_a_table_have_four_bytes_and_pairs(sizes: tuple[int, int], sound: bool) -> None:
    data = laid_out([], b"\x01\x02", vtable_bytes=sizes[0], table_bytes=sizes[1])
    if sound:
        assert flatbuffer.root(data, FLAT)["a"] == 7
    else:
        with pytest.raises(ValueError, match=r"the Row at byte .* is not valid"):
            flatbuffer.root(data, FLAT)


@pytest.mark.parametrize("offset", [0, 1, 3])
def test_an_offset_leads_on_and_never_into_itself(offset: int) -> None:
    data = struct.pack("<I", offset) + laid_out([4], b"\x09")[4:]
    with pytest.raises(ValueError, match=r"the offset at byte 0 is [0-3], expected 4"):
        flatbuffer.root(data, FLAT)


def test_a_vtable_before_the_file_is_refused() -> None:
    data = struct.pack("<Ii", 4, 5)
    with pytest.raises(ValueError, match="byte -1 and has 8 bytes"):
        flatbuffer.root(data, FLAT)


def test_a_vtable_may_be_at_the_first_byte() -> None:
    """A distance equal to the place of the table: what is read there is the root's own offset."""
    with pytest.raises(ValueError, match="the Row at byte 4 is not valid"):
        flatbuffer.root(struct.pack("<IiI", 4, 4, 0), FLAT)


@pytest.mark.parametrize(("number", "name"), [(0, "RED"), (4, "BLUE")])
def test_an_enum_is_named_and_an_unknown_number_refused(number: int, name: str) -> None:
    slots = [0] * 6
    assert flatbuffer.root(laid_out([*slots, 4], bytes([number])), FLAT)["g"] == name
    with pytest.raises(ValueError, match="Colour has no member 3"):
        flatbuffer.root(laid_out([*slots, 4], b"\x03"), FLAT)["g"]


def with_union(number: int) -> flatbuffer.Table:
    """A table whose union holds a member of that number, a Row of nothing but defaults."""
    row = laid_out([], b"")[4:]
    body = bytes([number, 0, 0, 0]) + struct.pack("<I", 8)
    return flatbuffer.root(laid_out([0, 4, 8], body + row[:4] + row[4:]), WHOLE)


def test_a_unions_member_is_named_and_an_unknown_one_refused() -> None:
    found = with_union(1)
    assert (found.member("thing"), found["thing"].kind, found["thing"]["d"]) == ("Row", "Row", -3)
    assert (with_union(0).member("thing"), with_union(0)["thing"]) == ("", None)
    for read in (lambda table: table["thing"], lambda table: table.member("thing")):
        with pytest.raises(ValueError, match="Thing has no member 2"):
            read(with_union(2))


@pytest.mark.parametrize(("count", "sound"), [(0, True), (2, True), (3, False)])
def test_a_vector_is_as_long_as_its_count_and_within_the_file(count: int, sound: bool) -> None:
    for slot, kind, item in ((4, "bytes", b"\x05"), (8, "n", struct.pack("<i", -5))):
        slots = [0] * 9
        slots[slot] = 4
        data = laid_out(slots, struct.pack("<II", 4, count) + 2 * item)
        table = flatbuffer.root(data, WHOLE)
        if sound:
            assert list(table[kind]) == [item[0] if kind == "bytes" else -5] * count
        else:
            with pytest.raises(ValueError, match="cut short or damaged"):
                table[kind]


def test_a_vector_of_more_offsets_than_the_file_holds_is_refused() -> None:
    slots = [0] * 9
    slots[5] = 4  # words
    data = laid_out(slots, struct.pack("<III", 4, 1, 4) + struct.pack("<I", 2) + b"ab\x00")
    assert flatbuffer.root(data, WHOLE)["words"] == ["ab"]
    for count in (5, 1 << 31):
        longer = laid_out(slots, struct.pack("<III", 4, count, 4) + struct.pack("<I", 2) + b"ab\x00")
        with pytest.raises(ValueError, match="cut short or damaged"):
            flatbuffer.root(longer, WHOLE)["words"]


def test_numbers_of_an_enum_count_on_from_the_last_and_members_may_be_renamed() -> None:
    found = flatbuffer.schema("enum A : int { X, Y, Z = 7, W } union U { A: B, B, } table B { a: int; } root_type B;")
    assert found.enums["A"] == ("int", {0: "X", 1: "Y", 7: "Z", 8: "W"})
    assert found.unions["U"] == [("A", "B"), ("B", "B")]
    with pytest.raises(ValueError, match="no root table"):
        flatbuffer.schema("table B { a: int; } root_type C;")


def aliased(levels: int, width: int) -> bytes:
    """Each table has `width` children, and all of them are the same table of the next level."""
    import flatbuffers

    builder: Any = flatbuffers.Builder()
    builder.StartObject(1)
    below = builder.EndObject()
    for _ in range(levels):
        builder.StartVector(4, width, 4)
        for _ in range(width):
            builder.PrependUOffsetTRelative(below)
        children = builder.EndVector()
        builder.StartObject(1)
        builder.PrependUOffsetTRelativeSlot(0, children, 0)
        below = builder.EndObject()
    builder.Finish(below)
    return bytes(builder.Output())


def count(table: flatbuffer.Table) -> int:
    return 1 + sum(count(child) for child in table["children"])


def test_a_small_file_that_unfolds_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    by = flatbuffer.schema("table Node { children:[Node]; } root_type Node;")
    assert count(flatbuffer.root(aliased(2, 10), by)) == 111
    monkeypatch.setattr(flatbuffer, "MOST_TABLES", 10_000)
    assert count(flatbuffer.root(aliased(3, 10), by)) == 1111
    endless = aliased(12, 100)
    assert len(endless) < 6000
    with pytest.raises(ValueError, match="which unfold to more than"):
        count(flatbuffer.root(endless, by))


@pytest.mark.parametrize("kind", ["string", "int"])
def test_long_texts_and_vectors_count_by_their_length(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    import flatbuffers

    by = flatbuffer.schema(f"table Root {{ it: {'string' if kind == 'string' else '[int]'}; }} root_type Root;")
    builder: Any = flatbuffers.Builder()
    if kind == "string":
        it = builder.CreateString("x" * 6400)
    else:
        builder.StartVector(4, 6400, 4)
        for _ in range(6400):
            builder.PrependInt32(1)
        it = builder.EndVector()
    builder.StartObject(1)
    builder.PrependUOffsetTRelativeSlot(0, it, 0)
    builder.Finish(builder.EndObject())
    monkeypatch.setattr(flatbuffer, "MOST_TABLES", 201)
    root = flatbuffer.root(bytes(builder.Output()), by)
    assert [len(root["it"]) for _ in range(2)] == [6400, 6400]
    with pytest.raises(ValueError, match="which unfold to more than"):
        _ = root["it"]
