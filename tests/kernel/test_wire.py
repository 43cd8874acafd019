"""The families of messages: what requests may hold."""

from __future__ import annotations

import pytest

from wherry_kernel.errors import RequestError
from wherry_kernel.wire import comm, control, execute, introspection, stdin
from wherry_kernel.wire import history as history_messages
from wherry_kernel.wire.codec import Request


def request(content, metadata=None):
    header = {"msg_id": "1", "msg_type": "execute_request"}
    return Request((), "execute_request", header, b"{}", {}, metadata or {}, content, ())


def test_an_execute_request_has_defaults():
    read = execute.read(request({"code": "x"}))
    assert read.silent is False
    assert read.store_history is True
    assert read.allow_stdin is False
    assert read.stop_on_error is True
    assert read.user_expressions == {}
    assert read.cell is None


def test_null_means_the_default():
    read = execute.read(request({"code": "x", "user_expressions": None, "silent": None}))
    assert read.user_expressions == {}
    assert read.silent is False


def test_a_silent_request_is_never_stored():
    read = execute.read(request({"code": "x", "silent": True, "store_history": True}))
    assert read.store_history is False
    assert read.counts is False


@pytest.mark.parametrize("code, counts", [("1", True), ("", False), (" \n", False), ("#", True)])
def test_blank_code_takes_no_number(code, counts):
    assert execute.read(request({"code": code})).counts is counts


def test_the_cell_id_is_in_the_metadata():
    assert execute.read(request({"code": ""}, {"cellId": "abc"})).cell == "abc"
    assert execute.read(request({"code": ""}, {"cellId": 5})).cell is None


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"code": None},
        {"code": "x", "silent": "yes"},
        {"code": "x", "user_expressions": {"a": 1}},
    ],
)
def test_what_cannot_be_understood_is_a_request_error(content):
    with pytest.raises(RequestError):
        execute.read(request(content))


@pytest.mark.parametrize("cursor, expected", [(None, 3), (1, 1), (-5, 0), (99, 3), (0, 0)])
def test_a_cursor_is_within_the_code(cursor, expected):
    assert introspection.read_cursor({"code": "abc", "cursor_pos": cursor}).cursor == expected


def test_only_incomplete_code_has_an_indent():
    assert introspection.completeness("complete", "  ") == {"status": "complete"}
    assert introspection.completeness("incomplete", "  ")["indent"] == "  "


def test_a_history_request_has_defaults():
    read = history_messages.read({"hist_access_type": "tail", "stop": None, "n": None})
    assert read == ("tail", False, True, 0, 0, None, None, "*", False)


def test_an_absent_module_stays_absent():
    assert "target_module" not in comm.opened("c", "t", None, None)
    assert comm.opened("c", "t", "m", {"a": 1})["target_module"] == "m"


def test_language_info_follows_the_version():
    info = control.language("3.12.1", ipython=False)
    assert info["version"] == "3.12.1"
    assert info["pygments_lexer"] == "python3"
    assert info["codemirror_mode"] == {"name": "python", "version": 3}


def test_an_absent_answer_is_an_empty_line():
    assert stdin.read_answer({}) == ""
