"""Comms, as far as the kernel process is concerned."""

from __future__ import annotations


def test_there_are_no_comms_at_first(fresh):
    assert fresh.frontend.ask("comm_info_request")["comms"] == {}


def test_comm_info_of_one_target(frontend):
    reply = frontend.ask("comm_info_request", {"target_name": "no.such.target"})
    assert reply == {"status": "ok", "comms": {}}
