"""Runs of bytes become few frames; nothing is lost, split characters included."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry_runner import frames as f
from wherry_runner.ordering import STDERR, STDOUT
from wherry_runner.textflow import BLOCK, PAUSE, WINDOW, TextFlow

CUTS = (1, 2, 7, 4096)


class Flow:
    """A TextFlow with a clock that goes only when told, and the frames that came out."""

    def __init__(self) -> None:
        self.flow = TextFlow()
        self.flow.owner = "cell"
        self.now = 100.0
        self.frames: list[f.Frame] = []

    def add(self, data: bytes, stream: int = STDOUT) -> None:
        self._take(self.flow.add(stream, data, self.now))

    def pass_time(self, seconds: float) -> None:
        """Let time pass as the guardian's loop does: wake up when a flush is due."""
        end = self.now + seconds
        while (wait := self.flow.wait(self.now)) is not None and self.now + wait <= end:
            self.now += wait
            self.flush()
        self.now = end

    def flush(self, *, final: bool = False) -> None:
        self._take(self.flow.flush(self.now, final=final))

    def _take(self, blocks: list[bytes]) -> None:
        self.frames += f.Decoder().feed(b"".join(blocks))

    @property
    def texts(self) -> list[str]:
        return [frame.text for frame in self.frames]


@pytest.fixture
def flow() -> Flow:
    return Flow()


def test_a_line_is_seen_within_a_moment(flow: Flow) -> None:
    flow.add(b"hello\n")
    flow.pass_time(2 * PAUSE)
    assert flow.frames == [f.Stdout(id="cell", text="hello\n")]


def test_a_partial_line_is_seen_within_a_tenth_of_a_second(flow: Flow) -> None:
    flow.add(b"progress 10%\r")
    flow.pass_time(0.1)
    assert flow.texts == ["progress 10%\r"]


def test_a_burst_travels_together(flow: Flow) -> None:
    for n in range(100):
        flow.add(b"%d\n" % n)
    flow.pass_time(1)
    assert flow.texts == ["".join(f"{n}\n" for n in range(100))]


def test_a_steady_stream_makes_one_frame_in_each_window(flow: Flow) -> None:
    for _ in range(1000):
        flow.add(b"tick\n")
        flow.pass_time(0.001)
    flow.pass_time(1)
    assert "".join(flow.texts) == "tick\n" * 1000
    assert len(flow.frames) <= 1 / WINDOW + 2


def test_nothing_is_held_beyond_a_window_however_much_comes(flow: Flow) -> None:
    for _ in range(500):
        flow.add(b"x")
        flow.pass_time(0.0005)
        assert (flow.flow.wait(flow.now) or 0) <= WINDOW
    assert len("".join(flow.texts)) >= 500 - WINDOW / 0.0005 - 1


def test_a_block_does_not_wait(flow: Flow) -> None:
    flow.add(b"x" * BLOCK)
    assert flow.texts == ["x" * BLOCK]


def test_a_change_of_stream_keeps_the_order(flow: Flow) -> None:
    flow.add(b"a")
    flow.add(b"b", STDERR)
    flow.add(b"c")
    flow.flush()
    assert flow.frames == [
        f.Stdout(id="cell", text="a"),
        f.Stderr(id="cell", text="b"),
        f.Stdout(id="cell", text="c"),
    ]


def test_text_with_an_owner_of_its_own_is_kept_apart(flow: Flow) -> None:
    flow.add(b"half \xc3")
    for data in ("ä".encode(), b"late\n"):
        flow._take(flow.flow.add(STDOUT, data, flow.now, owner="earlier"))
    flow.add(b"\xa4\n")
    flow.flush()
    assert flow.frames == [
        f.Stdout(id="cell", text="half "),
        f.Stdout(id="earlier", text="älate\n"),
        f.Stdout(id="cell", text="ä\n"),
    ]


def test_an_idle_flow_wants_no_wake_up(flow: Flow) -> None:
    assert flow.flow.wait(flow.now) is None
    flow.add(b"a\n")
    assert flow.flow.wait(flow.now) is not None
    flow.flush()
    assert flow.flow.wait(flow.now) is None


def test_a_flush_with_nothing_held_sends_nothing(flow: Flow) -> None:
    flow.flush()
    flow.flush(final=True)
    assert flow.frames == []


@pytest.mark.parametrize("size", CUTS)
def test_characters_that_were_cut_are_put_together(flow: Flow, size: int) -> None:
    text = "grüße 🚣 \u2028 中文\n" * 20
    data = text.encode()
    for at in range(0, len(data), size):
        flow.add(data[at : at + size])
        flow.pass_time(1)
    assert "".join(flow.texts) == text


def test_half_a_character_survives_a_change_of_stream(flow: Flow) -> None:
    flow.add(b"\xc3")
    flow.add(b"!", STDERR)
    flow.add(b"\xa4")
    flow.flush()
    assert flow.frames == [f.Stderr(id="cell", text="!"), f.Stdout(id="cell", text="ä")]


def test_half_characters_at_the_end_are_shown_as_such(flow: Flow) -> None:
    flow.add(b"a\xf0\x9f")
    flow.add(b"b\xc3", STDERR)
    flow.flush(final=True)
    assert flow.frames == [
        f.Stdout(id="cell", text="a"),
        f.Stderr(id="cell", text="b"),
        f.Stdout(id="cell", text="\ufffd"),
        f.Stderr(id="cell", text="\ufffd"),
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([STDOUT, STDERR]), st.binary(max_size=9), st.sampled_from([0, 0.004, 1])
        )
    )
)
def test_each_stream_comes_out_as_one_decoding_of_all_its_bytes(
    writes: list[tuple[int, bytes, float]],
) -> None:
    flow = Flow()
    for stream, data, pause in writes:
        flow.add(data, stream)
        flow.pass_time(pause)
    flow.flush(final=True)
    for stream, kind in ((STDOUT, f.Stdout), (STDERR, f.Stderr)):
        whole = b"".join(data for number, data, _ in writes if number == stream)
        came = "".join(frame.text for frame in flow.frames if type(frame) is kind)
        assert came == whole.decode("utf-8", "replace")
