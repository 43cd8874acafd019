"""The codec: what goes in comes out, for any cutting; what is no frame is named and skipped."""

from __future__ import annotations

import json
import math
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry_runner import frames as f

CUTS = (1, 2, 7, 4096)

CLASSES = sorted(f.FRAMES.values(), key=lambda cls: cls.type)

surrogates = st.text(st.characters(exclude_categories=()), max_size=20)
huge = st.integers(min_value=-(10**400), max_value=10**400)
json_values = st.recursive(
    st.none() | st.booleans() | huge | st.floats() | surrogates,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(surrogates, inner, max_size=3),
    max_leaves=8,
)
attachments = st.lists(st.binary(max_size=40), max_size=4).map(tuple)


def values_like(default: object) -> st.SearchStrategy:
    if isinstance(default, bool):
        return st.booleans()
    if isinstance(default, int):
        return huge
    if isinstance(default, float):
        return st.floats() | st.integers()
    if isinstance(default, str):
        return surrogates
    return json_values


def members_of(cls: type[f.Frame]) -> st.SearchStrategy:
    strategies = {
        name: st.lists(json_values, max_size=3).map(tuple)
        if as_tuple
        else values_like(getattr(cls, name))
        for name, as_tuple in cls._members.items()
    }
    return st.fixed_dictionaries({}, optional=strategies)


def frames() -> st.SearchStrategy:
    return st.sampled_from(CLASSES).flatmap(
        lambda cls: st.builds(
            lambda members, buffers: cls(buffers=buffers, **members), members_of(cls), attachments
        )
    )


def cut(data: bytes, size: int) -> list[bytes]:
    return [data[at : at + size] for at in range(0, len(data), size)]


def decode(data: bytes, size: int = 1 << 20, *, limit: int = f.FRAME_LIMIT) -> list[f.Frame]:
    decoder = f.Decoder(limit=limit)
    return [frame for piece in cut(data, size) for frame in decoder.feed(piece)]


def alike(one: object, other: object) -> bool:
    """Equality in which NaN equals NaN."""
    if isinstance(one, f.Frame) and isinstance(other, f.Frame):
        return type(one) is type(other) and alike(one._values(), other._values())
    if isinstance(one, (list, tuple)) and type(one) is type(other):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return one == other


# --- Round trips


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.type)
def test_every_frame_comes_out_as_it_went_in(cls: type[f.Frame]) -> None:
    @given(members_of(cls), attachments)
    def check(members: dict, buffers: tuple[bytes, ...]) -> None:
        frame = cls(buffers=buffers, **members)
        (back,) = decode(f.encode(frame))
        assert alike(back, frame)

    check()


@pytest.mark.parametrize("size", CUTS)
@given(sent=st.lists(frames(), max_size=5))
def test_the_cutting_of_the_bytes_does_not_matter(size: int, sent: list[f.Frame]) -> None:
    data = b"".join(map(f.encode, sent))
    assert alike(decode(data, size), sent)


@pytest.mark.parametrize("size", CUTS)
def test_attachments_may_hold_newlines_and_whole_frames(size: int) -> None:
    inner = f.encode(f.Done(id="forged"))
    frame = f.Display(id="a", buffers=(b"\n\n", b"", inner))
    assert decode(f.encode(frame) + f.encode(f.Bye()), size) == [frame, f.Bye()]


def test_empty_attachments_alone_are_kept() -> None:
    frame = f.CommMessage(comm="c", buffers=(b"", b""))
    assert decode(f.encode(frame)) == [frame]


@pytest.mark.parametrize(
    "text", ["\ud800", "\x00", "\x1b[31m", "\u2028\n\r", "\U0001f600", "ä" * 5000]
)
def test_text_that_other_encoders_refuse_is_carried(text: str) -> None:
    line = f.encode(f.Stdout(id="1", text=text))
    assert line.isascii()
    assert line.count(b"\n") == 1
    assert decode(line) == [f.Stdout(id="1", text=text)]


def test_values_that_json_does_not_know_are_sent_as_text() -> None:
    frame = f.Display(data={"application/x": {1, 2} - {2}, ("a", "tuple"): 1})
    (back,) = decode(f.encode(frame))
    assert back.data == {"application/x": "{1}"}


def test_members_that_were_not_given_are_not_sent() -> None:
    assert f.encode(f.Execute(code="1")) == b'{"t":"execute","code":"1"}\n'


LONG = '<svg>\ud800 ä\n"' * (f.LONG_TEXT // 8)


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize("buffers", [(), (b"own", b"")], ids=["alone", "beside attachments"])
def test_long_strings_of_a_bundle_travel_as_attachments(
    size: int, buffers: tuple[bytes, ...]
) -> None:
    frame = f.Display(id="a", data={"text/html": LONG, "x": 1, "text/plain": ""}, buffers=buffers)
    data = f.encode(frame)
    assert data.index(b"\n") < 300
    assert decode(data, size) == [frame]


@pytest.mark.parametrize(
    "members",
    [
        '"texts":["k"],"data":{"k":"taken"}',
        '"texts":["other"],"data":{"k":""}',
        '"texts":["k","k"],"data":{"k":""}',
        '"texts":["k"],"data":null',
        '"texts":["k"]',
        '"texts":7,"data":{"k":""}',
        '"texts":[["k"]],"data":{"k":""}',
        '"texts":["k","l","m"],"data":{"k":"","l":"","m":""}',
    ],
)
def test_names_of_attached_strings_that_do_not_fit_are_refused(members: str) -> None:
    line = '{"b":[1,1],"t":"display",' + members + "}\n"
    bad, good = decode(line.encode() + b"xy" + f.encode(f.Bye()))
    assert isinstance(bad, f.Malformed)
    assert "expected names of data that is attached" in bad.reason
    assert good == f.Bye()


# --- What is no frame


@pytest.mark.parametrize(
    "line, reason",
    [
        (b"Last login: Tue", "expected a JSON object, found JSONDecodeError"),
        (b"[1]", "expected a JSON object, found list"),
        (b'"done"', "expected a JSON object, found str"),
        (b"{}", "unknown frame type None"),
        (b'{"t":"no_such"}', "unknown frame type 'no_such'"),
        (b'{"t":["done"]}', "unknown frame type ['done']"),
        (b'{"t":"malformed"}', "unknown frame type 'malformed'"),
        (b'{"t":"done","id":7}', "done.id: unexpected int"),
        (b'{"t":"execute","count":true}', "execute.count: unexpected bool"),
        (b'{"t":"execute","silent":1}', "execute.silent: unexpected int"),
        (b'{"t":"error","traceback":"text"}', "error.traceback: unexpected str"),
        (b'{"t":"shutdown","grace":"soon"}', "shutdown.grace: unexpected str"),
        (b"\xff\xfe\x00", "expected a JSON object, found UnicodeDecodeError"),
        (b"[" * 100_000, "expected a JSON object, found RecursionError"),
        (b'{"b":[x],"t":"bye"}', "attachment lengths must be whole numbers"),
        (b'{"b":[-1],"t":"bye"}', "attachment lengths must be whole numbers"),
        (b'{"b":[1,"t":"bye"}', "attachment lengths must be whole numbers"),
        (b'{"b":[1' + b"1" * 5000, "attachment lengths must be whole numbers"),
        (b'{"b":[99999999999],"t":"bye"}', "attachments above the limit"),
    ],
    ids=lambda value: value[:32].decode("latin-1") if isinstance(value, bytes) else "",
)
def test_a_line_that_is_no_frame_is_named(line: bytes, reason: str) -> None:
    (found,) = f.Decoder().feed(line + b"\n")
    assert isinstance(found, f.Malformed)
    assert found.reason.startswith(reason)
    assert line.startswith(found.excerpt.encode("utf-8", "replace")[:3]) or b"\xff" in line
    assert len(found.excerpt) <= f.EXCERPT


@pytest.mark.parametrize("size", CUTS)
def test_a_good_frame_behind_a_bad_line_is_read(size: int) -> None:
    data = b"Welcome to node7!\n\n  \n{broken\n" + f.encode(f.Bye())
    *bad, good = decode(data, size)
    assert [type(frame) for frame in bad] == [f.Malformed, f.Malformed]
    assert good == f.Bye()


def test_an_unknown_member_is_ignored() -> None:
    assert decode(b'{"t":"done","id":"a","mood":"fine","buffers":3}\n') == [f.Done(id="a")]


def test_a_whole_number_does_for_a_float_member() -> None:
    assert decode(b'{"t":"shutdown","grace":2}\n') == [f.Shutdown(grace=2)]


def test_an_empty_list_of_lengths_means_no_attachments() -> None:
    assert decode(b'{"b":[],"t":"bye"}\n') == [f.Bye()]


@given(st.lists(st.binary(max_size=60), max_size=6), st.sampled_from(CUTS))
def test_arbitrary_bytes_never_raise_and_do_not_hide_what_follows(
    noise: list[bytes], size: int
) -> None:
    lines = [piece for piece in noise if not piece.startswith(b'{"b":[')]
    *before, last = decode(b"\n".join([*lines, b""]) + f.encode(f.Bye()), size)
    if lines:
        assert all(isinstance(frame, f.Malformed) for frame in before)
    assert last == f.Bye()


@given(st.data())
def test_a_damaged_frame_never_raises(data: st.DataObject) -> None:
    line = bytearray(f.encode(data.draw(frames())))
    for _ in range(data.draw(st.integers(1, 3))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    for frame in decode(bytes(line), 3):
        assert isinstance(frame, f.Frame)


@given(frames(), st.data())
def test_a_cut_off_frame_gives_nothing_and_is_seen(frame: f.Frame, data: st.DataObject) -> None:
    whole = f.encode(frame)
    decoder = f.Decoder()
    assert decoder.is_idle
    assert decoder.feed(whole[: data.draw(st.integers(1, len(whole) - 1))]) == []
    assert not decoder.is_idle


def test_a_whole_frame_leaves_the_decoder_idle() -> None:
    decoder = f.Decoder()
    decoder.feed(f.encode(f.Display(buffers=(b"12",))))
    assert decoder.is_idle


# --- The limit


@pytest.mark.parametrize("size", CUTS)
def test_a_line_above_the_limit_is_skipped_to_its_end(size: int) -> None:
    data = b"x" * 10_000 + b"\n" + f.encode(f.Bye())
    bad, good = decode(data, size, limit=100)
    assert isinstance(bad, f.Malformed)
    assert bad.reason == "a line above the limit of 100 bytes"
    assert good == f.Bye()


@pytest.mark.parametrize("size", CUTS)
def test_attachments_above_the_limit_are_skipped_to_their_end(size: int) -> None:
    data = f.encode(f.Display(buffers=(b"\n" * 60, b"y" * 60))) + f.encode(f.Bye())
    bad, good = decode(data, size, limit=100)
    assert isinstance(bad, f.Malformed)
    assert bad.reason == "attachments above the limit of 100 bytes"
    assert good == f.Bye()


def test_a_frame_of_exactly_the_limit_is_taken() -> None:
    line = f.encode(f.Stdout(text="x" * 70))
    limit = len(line) - 1
    assert decode(line, limit=limit) == [f.Stdout(text="x" * 70)]
    assert isinstance(decode(line, limit=limit - 1)[0], f.Malformed)


def test_what_is_skipped_is_not_held() -> None:
    decoder = f.Decoder(limit=1000)
    for _ in range(100):
        decoder.feed(b"x" * 900)
        assert decoder._held <= 1000
    assert not decoder.is_idle
    decoder.feed(b"\n" + b'{"b":[500000],"t":"bye"}\n')
    for _ in range(500):
        decoder.feed(b"\n" * 900)
        assert decoder._held == 0
        assert decoder._chunks == []


def test_many_pieces_of_one_line_cost_linear_time() -> None:
    frame = f.Stdout(text="x" * 3_000_000)
    assert decode(f.encode(frame), 64) == [frame]


# --- The classes


def test_a_frame_is_frozen() -> None:
    frame = f.Done(id="a")
    with pytest.raises(AttributeError, match="Done is frozen: 'id' cannot be set"):
        frame.id = "b"


def test_a_misspelt_member_is_refused() -> None:
    with pytest.raises(TypeError, match="Done has no member 'statsu'"):
        f.Done(statsu="ok")


def test_frames_are_equal_by_class_and_values() -> None:
    assert f.Done(id="a") == f.Done(id="a")
    assert hash(f.Done(id="a")) == hash(f.Done(id="a"))
    assert f.Done(id="a") != f.Done(id="b")
    assert f.Started(id="a") != f.Done(id="a")
    assert f.Bye() != "bye"
    assert f.Display(buffers=(b"1",)) != f.Display(buffers=(b"2",))
    # a member given as its default is the same as one left out
    assert f.Done(id="a", status="ok") == f.Done(id="a")


def test_the_representation_names_all_members() -> None:
    assert repr(f.Started(id="a")) == "Started(id='a')"


def test_each_type_has_one_class() -> None:
    assert len(CLASSES) == len(f.Frame.__subclasses__()) - 1
    assert all(cls.type == name for name, cls in f.FRAMES.items())


def test_the_module_imports_nothing_but_json() -> None:
    """35 frames cost 1.5 ms of a start of 30; an import of dataclasses or typing undoes that."""
    assert json is f.json
    loaded = {name for name, value in vars(f).items() if isinstance(value, type(sys))}
    assert loaded == {"json"}
