"""Three pipes become one order again: named histories, then a model of the worker's channel."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wherry_runner.ordering import (
    DONE,
    FENCED,
    HEADER_SIZE,
    PLAIN,
    STARTED,
    STDERR,
    STDOUT,
    SYNC,
    TEXT,
    BrokenRecord,
    Records,
    Sequencer,
    header,
    marker,
    owned_text,
    read_owned_text,
)

NONCE = b"\x00\x1bnonce\x00"
RECORDS = 0
CUTS = (1, 2, 7, 4096)
LIMIT = 10_000
#: Kinds without a marker in the text pipes.
UNFENCED = (PLAIN, TEXT)

#: (kind, data): text streams 1 and 2, or a kind of record.
Write = tuple[int, bytes]


class Pipes:
    """Writes what the worker's channel writes, in program order."""

    def __init__(self) -> None:
        #: (pipe, bytes) of each system call.
        self.calls: list[tuple[int, bytes]] = []
        self._fence = 0

    def write(self, kind: int, data: bytes, *, streams: int = STDOUT | STDERR) -> None:
        if kind in (STDOUT, STDERR):
            self.calls.append((kind, data))
            return
        fence = 0
        if kind in UNFENCED:
            streams = 0
        else:
            self._fence = fence = self._fence + 1
            for stream in (STDOUT, STDERR):
                if streams & stream:
                    self.calls.append((stream, marker(NONCE, fence)))
        self.calls.append((RECORDS, header(NONCE, kind, streams, fence, len(data)) + data))

    def __getitem__(self, pipe: int) -> bytes:
        return b"".join(data for where, data in self.calls if where == pipe)


class Reader:
    """Feeds a sequencer as the guardian does."""

    def __init__(self) -> None:
        self.sequencer = Sequencer(NONCE)
        self.records = Records(NONCE, limit=LIMIT)
        self.pieces: list[tuple[int, bytes]] = []

    def feed(self, pipe: int, data: bytes) -> None:
        if pipe == RECORDS:
            for record in self.records.feed(data):
                self.sequencer.feed_record(*record)
        else:
            self.sequencer.feed_text(pipe, data)

    def take(self) -> None:
        self.pieces += self.sequencer.take()

    def close(self) -> None:
        self.pieces += self.sequencer.close()


def joined(pieces: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """Join neighbouring runs of one stream."""
    told: list[tuple[int, bytes]] = []
    for kind, data in pieces:
        if told and kind in (STDOUT, STDERR) and told[-1][0] == kind:
            told[-1] = (kind, told[-1][1] + data)
        else:
            told.append((kind, data))
    return told


def written(*writes: Write) -> Pipes:
    pipes = Pipes()
    for kind, data in writes:
        pipes.write(kind, data)
    return pipes


# --- Named histories

A_CELL = (
    (STARTED, b"started"),
    (STDOUT, b"a"),
    (SYNC, b""),
    (STDERR, b"b"),
    (FENCED, b"<c>"),
    (SYNC, b""),
    (STDOUT, b"d\n"),
    (DONE, b"done"),
)
TOLD = [
    (STARTED, b"started"),
    (STDOUT, b"a"),
    (STDERR, b"b"),
    (FENCED, b"<c>"),
    (STDOUT, b"d\n"),
    (DONE, b"done"),
]


@pytest.mark.parametrize("size", CUTS)
@pytest.mark.parametrize(
    "order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], ids=str
)
def test_a_cell_is_told_in_order_whichever_pipe_is_read_first(
    size: int, order: tuple[int, ...]
) -> None:
    pipes, reader = written(*A_CELL), Reader()
    for pipe in order:
        data = pipes[pipe]
        for at in range(0, len(data), size):
            reader.feed(pipe, data[at : at + size])
            reader.take()
    assert joined(reader.pieces) == TOLD


def test_text_is_delivered_before_its_fence_has_come() -> None:
    reader = Reader()
    reader.feed(STDOUT, b"progress 10%\r")
    reader.take()
    assert reader.pieces == [(STDOUT, b"progress 10%\r")]


def test_text_behind_a_fence_waits_for_the_record() -> None:
    reader = Reader()
    reader.feed(STDOUT, marker(NONCE, 1) + b"after")
    reader.take()
    assert reader.pieces == []
    assert reader.sequencer.is_waiting(STDOUT)
    assert not reader.sequencer.is_waiting(STDERR)


def test_a_record_waits_for_its_markers() -> None:
    pipes, reader = written((STDERR, b"e"), (DONE, b"done")), Reader()
    reader.feed(RECORDS, pipes[RECORDS])
    reader.feed(STDOUT, pipes[STDOUT])
    reader.take()
    assert reader.pieces == []
    reader.feed(STDERR, pipes[STDERR])
    reader.take()
    assert reader.pieces == [(STDERR, b"e"), (DONE, b"done")]


def test_a_plain_frame_waits_for_nothing() -> None:
    pipes, reader = written((DONE, b"done"), (PLAIN, b"answer")), Reader()
    reader.feed(RECORDS, pipes[RECORDS])
    reader.take()
    assert reader.pieces == [(PLAIN, b"answer")]


def test_text_of_an_earlier_execution_waits_for_no_text() -> None:
    pipes, reader = written((DONE, b"done")), Reader()
    body = owned_text(STDERR, "cell 1", "late \ud800 ä\nsecond line")
    head = header(NONCE, TEXT, 0, 0, len(body))
    reader.feed(RECORDS, head + body + pipes[RECORDS])
    reader.feed(STDOUT, b"text of now")
    reader.take()
    assert sorted(reader.pieces) == [(STDOUT, b"text of now"), (TEXT, body)]
    text = "late \\ud800 ä\nsecond line".encode()
    assert read_owned_text(body) == (STDERR, "cell 1", text)


def test_a_stream_that_user_code_closed_is_not_waited_for() -> None:
    pipes, reader = Pipes(), Reader()
    pipes.write(STDOUT, b"a")
    pipes.write(DONE, b"done", streams=STDOUT)
    reader.feed(RECORDS, pipes[RECORDS])
    reader.feed(STDOUT, pipes[STDOUT])
    reader.take()
    assert reader.pieces == [(STDOUT, b"a"), (DONE, b"done")]


def test_both_streams_may_be_closed() -> None:
    pipes, reader = Pipes(), Reader()
    pipes.write(DONE, b"done", streams=0)
    reader.feed(RECORDS, pipes[RECORDS])
    reader.take()
    assert reader.pieces == [(DONE, b"done")]


def test_a_marker_whose_record_never_came_is_forgotten() -> None:
    reader = Reader()
    reader.feed(STDOUT, b"a" + marker(NONCE, 1) + b"b" + marker(NONCE, 2) + b"c")
    reader.feed(RECORDS, header(NONCE, DONE, STDOUT, 2, 4) + b"done")
    reader.take()
    assert joined(reader.pieces) == [(STDOUT, b"ab"), (DONE, b"done"), (STDOUT, b"c")]


@pytest.mark.parametrize(
    "text",
    [
        b"\x00",
        b"\x00\x1b",
        b"\x00\x1b[0m",
        b"\x00\x00\x1b\x00\x1b",
        marker(b"another!", 1),
        marker(NONCE, 1)[:-5] + b"x",
        NONCE,
    ],
    ids=repr,
)
@pytest.mark.parametrize("size", CUTS)
def test_text_that_resembles_a_marker_is_text(text: bytes, size: int) -> None:
    pipes, reader = written((STDOUT, text), (DONE, b"done"), (STDOUT, text)), Reader()
    reader.feed(RECORDS, pipes[RECORDS])
    reader.feed(STDERR, pipes[STDERR])
    for at in range(0, len(pipes[STDOUT]), size):
        reader.feed(STDOUT, pipes[STDOUT][at : at + size])
        reader.take()
    reader.close()
    assert joined(reader.pieces) == [(STDOUT, text), (DONE, b"done"), (STDOUT, text)]


def test_a_forged_marker_holds_the_stream_until_the_end_and_loses_nothing() -> None:
    pipes, reader = written((STDOUT, b"a" + marker(NONCE, 999) + b"b"), (DONE, b"done")), Reader()
    for pipe in (RECORDS, STDOUT, STDERR):
        reader.feed(pipe, pipes[pipe])
    reader.take()
    assert reader.pieces == [(STDOUT, b"a")]
    reader.close()
    assert sorted(reader.pieces) == [(STDOUT, b"a"), (STDOUT, b"b"), (DONE, b"done")]


def test_a_broken_frame_pipe_is_reported() -> None:
    with pytest.raises(BrokenRecord, match="expected a record of this worker, found b'forged"):
        Records(NONCE, limit=LIMIT).feed(b"forged " * 10)


def test_a_record_above_the_limit_is_reported_before_it_is_read() -> None:
    with pytest.raises(BrokenRecord):
        Records(NONCE, limit=LIMIT).feed(header(NONCE, PLAIN, 0, 0, LIMIT + 1))


@pytest.mark.parametrize("size", CUTS)
def test_records_come_out_of_any_cutting(size: int) -> None:
    data = written((PLAIN, b"x" * 5000), (PLAIN, b""), (DONE, b"d"))[RECORDS]
    records = Records(NONCE, limit=LIMIT)
    found = [
        record for at in range(0, len(data), size) for record in records.feed(data[at : at + size])
    ]
    assert found == [(PLAIN, 0, 0, b"x" * 5000), (PLAIN, 0, 0, b""), (DONE, 3, 1, b"d")]


def test_a_marker_is_written_atomically() -> None:
    """POSIX promises that for 512 bytes and more."""
    assert len(marker(NONCE, 2**32 - 1)) < 512
    assert len(header(NONCE, DONE, 3, 2**32 - 1, 2**40)) == HEADER_SIZE


# --- The model

text = st.lists(
    st.sampled_from([b"a", b"bc\n", b"\x00", b"\x00\x1b", b"\x00\x1b\x00\x1bnon", b"\xc3", b"\xa4"])
    | st.binary(min_size=1, max_size=20),
    min_size=1,
    max_size=4,
).map(b"".join)
writes = st.lists(
    st.tuples(st.sampled_from([STDOUT, STDERR]), text)
    | st.tuples(st.sampled_from([PLAIN, TEXT, FENCED, STARTED, DONE]), st.binary(max_size=30))
    | st.just((SYNC, b"")),
    max_size=10,
)


def in_any_way(pipes: Pipes, data: st.DataObject) -> Iterator[tuple[int, bytes]]:
    """Cut the three pipes anywhere and read them in any order, also against causality."""
    rest = {pipe: pipes[pipe] for pipe in (RECORDS, STDOUT, STDERR)}
    while any(rest.values()):
        pipe = data.draw(st.sampled_from([pipe for pipe, left in rest.items() if left]))
        size = data.draw(st.sampled_from((*CUTS, 13)))
        piece, rest[pipe] = rest[pipe][:size], rest[pipe][size:]
        yield pipe, piece


def check_order(done: list[Write], pieces: list[tuple[int, bytes]], *, whole: bool = True) -> None:
    """Between two fences each stream is in order; no text crosses a fence; nothing is lost."""
    if whole:
        assert [w for w in done if w[0] == PLAIN] == [p for p in pieces if p[0] == PLAIN]
        records = (TEXT, FENCED, STARTED, DONE)
        assert [w for w in done if w[0] in records] == [p for p in pieces if p[0] in records]
    pending = [piece for piece in pieces if piece[0] not in UNFENCED]
    for stretch, fence in stretches(done):
        left = dict(stretch)
        while any(left.values()):
            assert pending, f"lost {left}"
            kind, data = pending.pop(0)
            assert kind in (STDOUT, STDERR), f"{kind} came before {left}"
            assert left[kind].startswith(data)
            left[kind] = left[kind][len(data) :]
        if fence is not None and fence[0] != SYNC:
            assert pending.pop(0) == fence
    if whole:
        assert pending == []


def stretches(done: list[Write]) -> Iterator[tuple[dict[int, bytes], Write | None]]:
    """Split into what was printed to each stream, and the fence that ended the stretch."""
    printed = {STDOUT: b"", STDERR: b""}
    for kind, data in done:
        if kind in printed:
            printed[kind] += data
        elif kind not in UNFENCED:
            yield printed, (kind, data)
            printed = {STDOUT: b"", STDERR: b""}
    yield printed, None


@settings(max_examples=150)
@given(writes, st.data())
def test_any_program_is_told_in_order_for_any_reading_of_the_pipes(
    program: list[Write], data: st.DataObject
) -> None:
    pipes, reader = written(*program), Reader()
    for pipe, piece in in_any_way(pipes, data):
        reader.feed(pipe, piece)
        if data.draw(st.booleans()):
            reader.take()
    reader.take()
    delivered = len(b"".join(piece for _, piece in reader.pieces))
    reader.close()
    check_order(program, reader.pieces)
    # only what may still become a marker has waited for the end
    late = len(b"".join(piece for _, piece in reader.pieces)) - delivered
    assert late < 2 * len(marker(NONCE, 1))


@settings(max_examples=150)
@given(writes, st.data())
def test_a_worker_that_dies_loses_nothing_that_it_had_written(
    program: list[Write], data: st.DataObject
) -> None:
    pipes, reader = written(*program), Reader()
    lived = data.draw(st.integers(0, len(pipes.calls)))
    last = data.draw(st.integers(0, 60))
    cut_off(pipes, lived, last)
    for pipe, piece in in_any_way(pipes, data):
        reader.feed(pipe, piece)
        reader.take()
    reader.close()
    for stream in (STDOUT, STDERR):
        came = b"".join(piece for kind, piece in reader.pieces if kind == stream)
        assert came == without_markers(pipes[stream])
    complete = Records(NONCE, limit=LIMIT).feed(pipes[RECORDS])
    fences = [(kind, frame) for kind, _, _, frame in complete if kind not in UNFENCED]
    sent = [fence for fence in fences if fence[0] != SYNC]
    assert [p for p in reader.pieces if p[0] not in (STDOUT, STDERR, *UNFENCED)] == sent
    check_order(up_to_last_fence(program, len(fences)), reader.pieces, whole=False)


def cut_off(pipes: Pipes, lived: int, last: int) -> None:
    """Keep `lived` system calls and the first `last` bytes of the next; markers are atomic."""
    kept, rest = pipes.calls[:lived], pipes.calls[lived : lived + 1]
    marks = len(marker(NONCE, 0))
    for pipe, data in rest:
        if not data.startswith(marker(NONCE, 0)[:-4]) or len(data) != marks:
            kept.append((pipe, data[:last]))
    pipes.calls = kept


def without_markers(data: bytes) -> bytes:
    mark, size = marker(NONCE, 0)[:-4], len(marker(NONCE, 0))
    while (at := data.find(mark)) >= 0 and len(data) - at >= size:
        data = data[:at] + data[at + size :]
    return data


def up_to_last_fence(program: list[Write], fences: int) -> list[Write]:
    """Return the part of the program that ends with its `fences`-th fence."""
    kept: list[Write] = []
    for write in program:
        if fences == 0:
            break
        kept.append(write)
        fences -= write[0] not in (STDOUT, STDERR, *UNFENCED)
    return kept


@given(writes, st.sampled_from([STDOUT, STDERR]), st.data())
def test_a_pipe_that_ends_early_stops_no_frame(
    program: list[Write], ended: int, data: st.DataObject
) -> None:
    """User code closes the private descriptor of one stream: its fences stand in the other only."""
    pipes, reader = Pipes(), Reader()
    for at, (kind, body) in enumerate(program):
        pipes.write(kind, body, streams=3 if at < len(program) // 2 else 3 - ended)
    for pipe, piece in in_any_way(pipes, data):
        reader.feed(pipe, piece)
        reader.take()
    fenced = [write for write in program if write[0] in (FENCED, STARTED, DONE)]
    assert [p for p in reader.pieces if p[0] in (FENCED, STARTED, DONE)] == fenced
