"""The writer of records: whole under threads, signals and full pipes."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator

import pytest

from wherry_runner import channel as module
from wherry_runner import frames as f
from wherry_runner.channel import Channel, FrameTooLarge
from wherry_runner.ordering import DONE, FENCED, PLAIN, STDERR, STDOUT, SYNC, Records, marker

NONCE = b"12345678"


class FakeInterrupts:
    """Counts shields; `strike` is called inside of them, as a signal handler would be."""

    def __init__(self) -> None:
        self.depth = self.shielded = 0

    def shield(self) -> None:
        self.depth += 1
        self.shielded += 1

    def unshield(self) -> None:
        self.depth -= 1


class Ends:
    """A channel over real pipes and what stands in them."""

    def __init__(self) -> None:
        self.pipes = {0: os.pipe(), STDOUT: os.pipe(), STDERR: os.pipe()}
        self.interrupts = FakeInterrupts()
        texts = {STDOUT: self.pipes[STDOUT][1], STDERR: self.pipes[STDERR][1]}
        self.channel = Channel(NONCE, self.pipes[0][1], texts, self.interrupts)
        for read, _ in self.pipes.values():
            os.set_blocking(read, False)

    def read(self, pipe: int) -> bytes:
        try:
            return os.read(self.pipes[pipe][0], 1 << 20)
        except BlockingIOError:
            return b""

    def records(self) -> list[tuple[int, int, int, bytes]]:
        return Records(NONCE, limit=1 << 30).feed(self.read(0))

    def close(self) -> None:
        for pair in self.pipes.values():
            for fd in pair:
                try:
                    os.close(fd)
                except OSError:
                    continue


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    yield ends
    ends.close()


def test_a_plain_frame_is_one_record_without_a_fence(ends: Ends) -> None:
    ends.channel.send(f.Bye())
    assert ends.records() == [(PLAIN, 0, 0, f.encode(f.Bye()))]
    assert ends.read(STDOUT) == ends.read(STDERR) == b""


def test_a_fenced_frame_stands_behind_a_marker_in_each_text_pipe(ends: Ends) -> None:
    ends.channel.send_fenced(f.Display())
    ends.channel.send_fenced(f.Done(), DONE)
    assert [record[:3] for record in ends.records()] == [(FENCED, 3, 1), (DONE, 3, 2)]
    assert ends.read(STDOUT) == ends.read(STDERR) == marker(NONCE, 1) + marker(NONCE, 2)


def test_a_change_of_stream_is_a_fence_alone(ends: Ends) -> None:
    ends.channel.switch(STDERR)
    assert ends.channel.stream == STDERR
    assert ends.records() == [(SYNC, 3, 1, b"")]


@pytest.mark.parametrize("closed", [STDOUT, STDERR])
def test_a_text_pipe_that_is_closed_is_not_announced(ends: Ends, closed: int) -> None:
    os.close(ends.pipes[closed][1])
    ends.channel.send_fenced(f.Done(), DONE)
    assert [record[:3] for record in ends.records()] == [(DONE, 3 - closed, 1)]


def test_a_frame_that_is_too_large_is_refused_whole(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FRAME_LIMIT", 1000)
    with pytest.raises(FrameTooLarge, match="Write it to a file instead"):
        ends.channel.send_fenced(f.Display(buffers=(b"x" * 2000,)))
    ends.channel.send(f.Bye())
    assert len(ends.records()) == 1
    assert ends.interrupts.depth == 0


def test_what_a_signal_handler_sends_in_the_middle_comes_behind(
    ends: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_all, struck = module._write_all, []

    def interrupted(fd: int, data: bytes) -> bool:
        if not struck:
            struck.append(1)
            ends.channel.send(f.Bye())
        return write_all(fd, data)

    monkeypatch.setattr(module, "_write_all", interrupted)
    ends.channel.send_fenced(f.Done(), DONE)
    assert [record[0] for record in ends.records()] == [DONE, PLAIN]


def test_records_of_many_threads_are_whole(ends: Ends) -> None:
    def work(n: int) -> None:
        for _ in range(20):
            ends.channel.send_fenced(f.Display(id=str(n), data={"text/plain": "x" * 50 * n}))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    records = Records(NONCE, limit=1 << 30)
    found = []
    for thread in threads:
        thread.start()
    while len(found) < 200:
        found += records.feed(ends.read(0))
        ends.read(STDOUT)
        ends.read(STDERR)
    for thread in threads:
        thread.join()
    assert [record[2] for record in found] == list(range(1, 201))
    assert ends.interrupts.shielded == 0


def test_the_main_thread_is_shielded_while_it_writes(ends: Ends) -> None:
    ends.channel.send(f.Bye())
    assert (ends.interrupts.shielded, ends.interrupts.depth) == (1, 0)


def test_a_detached_channel_is_silent(ends: Ends) -> None:
    ends.channel.detach()
    ends.channel.detach()
    ends.channel.send(f.Bye())
    ends.channel.send_fenced(f.Done(), DONE)
    ends.channel.switch(STDERR)
    assert ends.read(STDOUT) == ends.read(0) == b""
