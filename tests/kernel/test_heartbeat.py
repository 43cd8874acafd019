"""The echo that clients listen to."""

from __future__ import annotations

import zmq

from wherry_kernel.heartbeat import Heartbeat


def bind(socket) -> int:
    return socket.bind_to_random_port("tcp://127.0.0.1")


def test_bytes_come_back_to_each_of_two_clients():
    heartbeat = Heartbeat(bind)
    heartbeat.start()
    with zmq.Context() as context:
        clients = [context.socket(zmq.REQ) for _ in range(2)]
        for n, client in enumerate(clients):
            client.linger = 0
            client.connect(f"tcp://127.0.0.1:{heartbeat.port}")
            client.send(bytes([n]) * 3)
        for n, client in enumerate(clients):
            assert client.poll(2000)
            assert client.recv() == bytes([n]) * 3
            client.close()
    heartbeat.close()


def test_a_client_that_never_listens_does_not_stop_it():
    heartbeat = Heartbeat(bind)
    heartbeat.start()
    with zmq.Context() as context:
        rude = context.socket(zmq.DEALER)
        rude.linger = 0
        rude.connect(f"tcp://127.0.0.1:{heartbeat.port}")
        rude.send_multipart([b"", b"bye"])
        rude.close()
        client = context.socket(zmq.REQ)
        client.linger = 0
        client.connect(f"tcp://127.0.0.1:{heartbeat.port}")
        client.send(b"ping")
        assert client.poll(2000)
        client.close()
    heartbeat.close()


def test_it_can_be_closed_before_it_was_started():
    Heartbeat(bind).close()
