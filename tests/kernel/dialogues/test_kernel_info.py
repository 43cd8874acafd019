"""kernel_info, connect, usage, and messages that are none."""

from __future__ import annotations

import platform

import pytest


@pytest.mark.parametrize("channel", ["shell", "control"])
def test_kernel_info_tells_language_and_protocol(frontend, channel):
    info = frontend.ask("kernel_info_request", channel=channel)
    assert info["status"] == "ok"
    assert info["language_info"]["name"] == "python"
    assert info["language_info"]["version"] == platform.python_version()
    assert info["language_info"]["file_extension"] == ".py"
    assert info["language_info"]["mimetype"] == "text/x-python"
    assert info["language_info"]["codemirror_mode"] == {"name": "ipython", "version": 3}
    assert info["language_info"]["pygments_lexer"] == "ipython3"
    assert info["language_info"]["nbconvert_exporter"] == "python"
    assert info["banner"]
    assert all(set(link) == {"text", "url"} for link in info["help_links"])
    assert isinstance(info["supported_features"], list)


def test_the_reply_comes_on_the_channel_of_the_request(frontend):
    frontend.request("kernel_info_request", channel="control")
    assert frontend.reply_message()["channel"] == "control"


def test_connect_tells_the_ports(kernel):
    reply = kernel.frontend.ask("connect_request")
    info = kernel.manager.get_connection_info()
    assert reply["status"] == "ok"
    for channel in ("shell", "iopub", "stdin", "hb"):
        assert reply[f"{channel}_port"] == info[f"{channel}_port"]


def test_the_heart_echoes(frontend):
    assert frontend.beat(b"ping") == b"ping"
    assert frontend.beat(b"\x00\xff" * 500) == b"\x00\xff" * 500


def test_an_unknown_message_gets_busy_and_idle_and_does_no_harm(frontend):
    frontend.request("strange_note")
    frontend.expect_busy()
    frontend.expect_idle()
    frontend.expect_silence()
    assert frontend.run("1").results == ["1"]


def test_a_message_with_a_wrong_signature_is_ignored(frontend):
    message = frontend.session.msg("execute_request", {"code": "print('forged')"})
    parts = frontend.session.serialize(message)
    parts[1] = b"0" * 64
    frontend.send_raw("shell", parts)
    frontend.expect_silence(of=message["header"]["msg_id"])
    assert frontend.run("1").results == ["1"]


def test_a_message_that_is_sent_again_is_ignored(frontend):
    message = frontend.session.msg("kernel_info_request", {})
    id = message["header"]["msg_id"]
    parts = frontend.session.serialize(message)
    frontend.send_raw("shell", parts)
    frontend.reply_message(of=id)
    frontend.expect_busy(of=id)
    frontend.expect_idle(of=id)
    frontend.send_raw("shell", parts)
    frontend.expect_silence(of=id)


def test_garbage_is_ignored(frontend):
    for parts in (
        [b"hello"],
        [b"<IDS|MSG>"],
        [b"<IDS|MSG>", b"", b"{", b"{}", b"{}", b"{}"],
        [b""],
    ):
        frontend.send_raw("shell", parts)
    assert frontend.run("1").results == ["1"]


def test_usage_is_told_on_control(frontend):
    frontend.ask("usage_request", channel="control")
    reply = frontend.ask("usage_request", channel="control")
    assert reply["kernel_memory"] > 10_000_000
    assert reply["kernel_cpu"] >= 0
    assert reply["cpu_count"] >= 1
    assert reply["hostname"]
    assert isinstance(reply["pid"], int)
    memory = reply["host_virtual_memory"]
    assert memory["total"] > memory["available"] > 0
    assert 0 < memory["percent"] < 100
