"""Completion, inspection and completeness."""

from __future__ import annotations

import pytest


def complete(frontend, code, cursor=None):
    content = {"code": code, "cursor_pos": len(code) if cursor is None else cursor}
    return frontend.ask("complete_request", content)


def inspect(frontend, code, cursor=None, detail=0):
    content = {
        "code": code,
        "cursor_pos": len(code) if cursor is None else cursor,
        "detail_level": detail,
    }
    return frontend.ask("inspect_request", content)


def test_an_attribute_is_completed(frontend):
    frontend.run("import math")
    reply = complete(frontend, "math.fact")
    assert reply["status"] == "ok"
    assert "factorial" in [match.rpartition(".")[2] for match in reply["matches"]]
    assert reply["cursor_end"] == 9
    assert reply["cursor_start"] in {0, 5}


def test_a_name_is_completed(frontend):
    frontend.run("a_very_long_name = 1")
    assert "a_very_long_name" in complete(frontend, "print(a_very_lo")["matches"]


def test_completion_counts_characters_not_bytes(frontend):
    frontend.run("straße_und_höhe = 1")
    reply = complete(frontend, "'日本'; straße_und")
    assert "straße_und_höhe" in reply["matches"]
    assert reply["cursor_end"] == len("'日本'; straße_und")


def test_completion_in_the_middle_of_a_cell(frontend):
    frontend.run("import math")
    code = "x = 1\nmath.fact\ny = 2"
    reply = complete(frontend, code, cursor=15)
    assert any(match.endswith("factorial") for match in reply["matches"])
    assert reply["cursor_end"] == 15


def test_completions_have_types(frontend):
    frontend.run("import math")
    reply = complete(frontend, "math.fact")
    kinds = reply["metadata"]["_jupyter_types_experimental"]
    assert [kind["type"] for kind in kinds if kind["text"].endswith("factorial")] == ["function"]


def test_dictionary_keys_are_completed(frontend):
    frontend.run("d = {'alpha': 1}")
    assert any("alpha" in match for match in complete(frontend, "d['al")["matches"])


def test_magics_are_completed(frontend):
    assert any("timeit" in match for match in complete(frontend, "%time")["matches"])


def test_nothing_to_complete_is_an_empty_list(frontend):
    reply = complete(frontend, "no_such_name_at_all.x")
    assert reply["status"] == "ok"
    assert reply["matches"] == []


def test_an_object_is_inspected(frontend):
    frontend.run('def documented():\n    """What it is for."""')
    reply = inspect(frontend, "documented")
    assert reply["status"] == "ok"
    assert reply["found"] is True
    assert "What it is for." in reply["data"]["text/plain"]


def test_more_detail_shows_the_source(frontend):
    frontend.run("def sourced():\n    return 'here is the source'")
    assert "here is the source" not in inspect(frontend, "sourced")["data"]["text/plain"]
    assert "here is the source" in inspect(frontend, "sourced", detail=1)["data"]["text/plain"]


def test_inspection_within_a_call(frontend):
    frontend.run("import math")
    reply = inspect(frontend, "math.sqrt(2)", cursor=11)
    assert reply["found"] is True
    assert "square root" in reply["data"]["text/plain"]


def test_an_unknown_name_is_not_found(frontend):
    reply = inspect(frontend, "no_such_name")
    assert reply["status"] == "ok"
    assert reply["found"] is False
    assert reply["data"] == {}


@pytest.mark.parametrize(
    "code, status, indent",
    [
        ("a = 1", "complete", None),
        ("for i in range(3):", "incomplete", "    "),
        ("x = (1,", "incomplete", ""),
        ("'''open", "incomplete", ""),
        ("if True:\n    if True:", "incomplete", "        "),
        ("def f():\n    return 1\n\n", "complete", None),
        ("%timeit 1", "complete", None),
        ("await x", "complete", None),
    ],
)
def test_completeness(frontend, code, status, indent):
    reply = frontend.ask("is_complete_request", {"code": code})
    assert reply["status"] == status
    assert reply.get("indent") == indent


def test_what_can_never_be_complete_is_invalid(frontend):
    assert frontend.ask("is_complete_request", {"code": "a = = 1"})["status"] == "invalid"
