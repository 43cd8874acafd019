"""Comms between user code and clients."""

from __future__ import annotations

import pytest

OPENED_BY_CLIENT = """
from comm import get_comm_manager
got = []
def opened(comm, message):
    got.append(message)
    comm.on_msg(lambda m: comm.send({'echo': m['content']['data']}, buffers=m['buffers']))
    comm.on_close(lambda m: print('closed'))
    comm.send({'hello': message['content']['data']})
get_comm_manager().register_target('echo', opened)
"""


@pytest.fixture
def echo(frontend):
    """A comm that user code answers; returns its id."""
    frontend.run(OPENED_BY_CLIENT)
    content = {"comm_id": "one", "target_name": "echo", "data": {"n": 1}}
    frontend.request("comm_open", content)
    frontend.expect_busy()
    frontend.expect("comm_msg", comm_id="one", data={"hello": {"n": 1}})
    frontend.expect_idle()
    yield "one"
    frontend.request("comm_close", {"comm_id": "one", "data": {}})
    frontend.expect_busy()
    frontend.next_output()
    frontend.forget()


def test_there_are_no_comms_at_first(fresh):
    assert fresh.frontend.ask("comm_info_request")["comms"] == {}


def test_comm_info_of_one_target(frontend):
    reply = frontend.ask("comm_info_request", {"target_name": "no.such.target"})
    assert reply == {"status": "ok", "comms": {}}


def test_user_code_opens_sends_and_closes(frontend):
    code = (
        "from comm import create_comm\n"
        "c = create_comm(target_name='mine', data={'a': 1}, metadata={'m': 2})\n"
        "c.send({'b': 2})\n"
        "c.close({'c': 3})"
    )
    frontend.execute(code)
    frontend.expect_busy()
    frontend.expect_input(code)
    id = frontend.expect("comm_open", target_name="mine", data={"a": 1})["comm_id"]
    frontend.expect("comm_msg", comm_id=id, data={"b": 2})
    frontend.expect("comm_close", comm_id=id, data={"c": 3})
    frontend.expect_idle()
    frontend.expect_reply("ok")


def test_buffers_and_metadata_travel_with_a_message(frontend):
    frontend.run("from comm import create_comm; c = create_comm(target_name='mine')")
    id = frontend.execute("c.send({'x': 1}, metadata={'m': 1}, buffers=[b'\\x00\\xff', b'two'])")
    frontend.expect_busy()
    frontend.expect("execute_input")
    message = frontend.next_output(of=id)
    assert message["content"]["data"] == {"x": 1}
    assert message["metadata"] == {"m": 1}
    assert [bytes(each) for each in message["buffers"]] == [b"\x00\xff", b"two"]
    frontend.run("c.close()")


def test_comm_info_lists_what_is_open(frontend):
    frontend.run("from comm import create_comm; c = create_comm(target_name='listed')")
    comms = frontend.ask("comm_info_request", {"target_name": "listed"})["comms"]
    assert list(comms.values()) == [{"target_name": "listed"}]
    frontend.run("c.close()")
    assert frontend.ask("comm_info_request", {"target_name": "listed"})["comms"] == {}


def test_a_client_opens_a_comm(frontend, echo):
    data = frontend.run("got[0]['content']['data'], got[0]['header']['msg_type']").results
    assert data == ["({'n': 1}, 'comm_open')"]
    assert echo in frontend.ask("comm_info_request", {"target_name": "echo"})["comms"]


def test_a_clients_message_is_answered_with_its_buffers(frontend, echo):
    content = {"comm_id": echo, "data": {"q": 5}}
    id = frontend.request("comm_msg", content, buffers=[b"\x01\x02"])
    frontend.expect_busy()
    message = frontend.next_output(of=id)
    assert message["content"] == {"comm_id": echo, "data": {"echo": {"q": 5}}}
    assert [bytes(each) for each in message["buffers"]] == [b"\x01\x02"]
    frontend.expect_idle()


def test_the_close_of_a_client_reaches_user_code(frontend, echo):
    frontend.request("comm_close", {"comm_id": echo, "data": {}})
    frontend.expect_busy()
    frontend.expect_stdout("closed\n")
    frontend.expect_idle()
    assert frontend.ask("comm_info_request", {"target_name": "echo"})["comms"] == {}


def test_a_comm_without_a_target_is_closed_again(frontend):
    content = {"comm_id": "lost", "target_name": "nobody.listens", "data": {}}
    id = frontend.request("comm_open", content)
    frontend.expect_busy()
    kinds = []
    while True:
        message = frontend.next_output(of=id)
        kinds.append(message["header"]["msg_type"])
        if kinds[-1] == "status":
            break
    assert "comm_close" in kinds


def test_a_message_to_a_comm_that_is_not_there_does_no_harm(frontend):
    frontend.request("comm_msg", {"comm_id": "unheard.of", "data": {}})
    frontend.expect_busy()
    frontend.forget()
    assert frontend.run("1").results == ["1"]
