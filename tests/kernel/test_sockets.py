"""Sockets on an asyncio loop: nothing is missed, nothing is dropped."""

from __future__ import annotations

import asyncio
import json

import pytest
import pytest_asyncio
import zmq

from wherry_kernel import connection
from wherry_kernel.errors import ConnectionFileError
from wherry_kernel.sockets import Sockets

pytestmark = pytest.mark.asyncio


class Side:
    """A kernel's sockets that remember what came, and a client's end."""

    def __init__(self, wanted) -> None:
        self.sockets = Sockets(wanted)
        self.bound = self.sockets.bind()
        self.came: list[tuple[str, list[bytes]]] = []
        self.topics: list[bytes] = []
        self._context = zmq.Context()
        self._clients = []

    def attach(self) -> None:
        self.sockets.attach(
            asyncio.get_running_loop(),
            on_message=lambda channel, parts: self.came.append((channel, parts)),
            on_subscribe=self.topics.append,
        )

    def client(self, kind, channel):
        socket = self._context.socket(kind)
        socket.linger = 0
        self._clients.append(socket)
        socket.connect(self.bound.address(channel))
        return socket

    async def until(self, condition, seconds=3.0) -> None:
        for _ in range(int(seconds / 0.005)):
            if condition():
                return
            await asyncio.sleep(0.005)
        raise AssertionError("it did not come")

    def close(self) -> None:
        for socket in self._clients:
            socket.close()
        self.sockets.close()
        self._context.term()


@pytest_asyncio.fixture(params=["tcp", "ipc"])
async def side(request, tmp_path):
    ip = str(tmp_path / "k") if request.param == "ipc" else "127.0.0.1"
    made = Side(connection.new(transport=request.param, ip=ip))
    yield made
    made.close()
    made.close()


async def test_ports_are_chosen_and_told(side):
    assert set(side.bound.ports) == {"shell", "iopub", "stdin", "control", "hb"}
    assert len(set(side.bound.ports.values())) == 5
    assert all(side.bound.ports.values())


async def test_what_came_before_attaching_is_delivered(side):
    side.client(zmq.DEALER, "shell").send(b"early")
    await asyncio.sleep(0.1)
    side.attach()
    await side.until(lambda: side.came)
    assert side.came[0][1][-1] == b"early"


async def test_a_thousand_messages_in_one_go_all_arrive(side):
    side.attach()
    client = side.client(zmq.DEALER, "shell")
    for n in range(1000):
        client.send(str(n).encode())
    await side.until(lambda: len(side.came) == 1000)
    assert [int(parts[-1]) for _, parts in side.came] == list(range(1000))


async def test_messages_that_come_while_we_send_are_not_missed(side):
    side.attach()
    client = side.client(zmq.DEALER, "control")
    client.identity = b"me"
    client.send(b"hello")
    await side.until(lambda: side.came)
    identity = side.came[0][1][0]
    for n in range(300):
        client.send(str(n).encode())
        side.sockets.send("control", [identity, b"answer"])
        await asyncio.sleep(0)
    await side.until(lambda: len(side.came) == 301)


async def test_a_slow_subscriber_misses_nothing(side):
    side.attach()
    reader = side.client(zmq.SUB, "iopub")
    reader.rcvhwm = 1
    reader.subscribe(b"")
    await side.until(lambda: side.topics)
    for n in range(5000):
        side.sockets.send("iopub", [b"topic", b"x" * 1000, str(n).encode()])
    for n in range(5000):
        assert reader.poll(2000)
        assert int(reader.recv_multipart()[-1]) == n


async def test_every_subscription_is_told(side):
    side.attach()
    for count in (1, 2, 3):
        side.client(zmq.SUB, "iopub").subscribe(b"t")
        await side.until(lambda count=count: side.topics == [b"t"] * count)


async def test_a_large_message_arrives_whole(side):
    side.attach()
    client = side.client(zmq.DEALER, "shell")
    client.send(b"hi")
    await side.until(lambda: side.came)
    body = b"z" * 5_000_000
    side.sockets.send("shell", [side.came[0][1][0], body])
    await side.until(lambda: client.poll(0))
    assert client.recv_multipart() == [body]


async def test_the_heart_beats_without_the_loop(side):
    client = side.client(zmq.REQ, "hb")
    client.send(b"ping")
    assert client.poll(2000)
    assert client.recv() == b"ping"


async def test_sending_after_the_end_is_harmless(side):
    side.attach()
    side.sockets.close()
    side.sockets.send("iopub", [b"x"])


async def test_a_taken_port_is_named(side):
    if side.bound.transport == "ipc":
        pytest.skip("libzmq takes over an ipc path that is named; ours are chosen, see below")
    second = Sockets(side.bound)
    with pytest.raises(ConnectionFileError, match="shell"):
        second.bind()
    second.close()


async def test_chosen_ports_are_free_ones(side):
    second = Sockets(connection.new(transport=side.bound.transport, ip=side.bound.ip))
    assert not set(second.bind().ports.values()) & set(side.bound.ports.values())
    second.close()


async def test_curve_keeps_strangers_out():
    public, secret = zmq.curve_keypair()
    members = {"curve_publickey": public.decode(), "curve_secretkey": secret.decode()}
    side = Side(connection.from_dict(json.loads(json.dumps(members))))
    side.attach()
    stranger = side.client(zmq.DEALER, "shell")
    stranger.send(b"let me in")
    friend = side._context.socket(zmq.DEALER)
    side._clients.append(friend)
    friend.curve_serverkey = public
    friend.curve_publickey, friend.curve_secretkey = zmq.curve_keypair()
    friend.linger = 0
    friend.connect(side.bound.address("shell"))
    friend.send(b"it is me")
    await side.until(lambda: side.came)
    await asyncio.sleep(0.1)
    assert [parts[-1] for _, parts in side.came] == [b"it is me"]
    side.close()
