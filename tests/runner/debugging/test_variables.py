"""The variable panel: what it shows, and what it must not touch."""

from __future__ import annotations

import types

import pytest

from wherry_runner.debugging import variables
from wherry_runner.debugging.variables import CHILDREN, Explorer


def named(found):
    return {each["name"]: each for each in found}


def test_the_shells_own_names_are_left_out():
    names = ["In", "Out", "_", "__", "_i", "_ii", "_iii", "_i12", "_3", "get_ipython", "__doc__"]
    shown = Explorer().roots(dict.fromkeys([*names, "mine", "_mine", "_in"], 1))
    assert [each["name"] for each in shown] == ["_in", "_mine", "mine"]


def test_functions_and_classes_are_groups():
    explorer = Explorer()
    shown = named(explorer.roots({"f": named, "print_": print, "C": Explorer, "m": types, "x": 1}))
    assert set(shown) == {"function variables", "class variables", "m", "x"}
    number = shown["function variables"]["variablesReference"]
    assert set(named(explorer.children(number))) == {"f", "print_"}


def test_parts_have_expressions():
    class Slotted:
        __slots__ = ("left", "right")

    thing = Slotted()
    thing.left = 1
    explorer = Explorer()
    shown = named(explorer.roots({"d": {"k": (1, 2)}, "s": {5}, "t": thing}))
    (k,) = explorer.children(shown["d"]["variablesReference"])
    assert (k["name"], k["evaluateName"]) == ("'k'", "d['k']")
    assert [each["evaluateName"] for each in explorer.children(k["variablesReference"])] == [
        "d['k'][0]",
        "d['k'][1]",
    ]
    assert [e["value"] for e in explorer.children(shown["s"]["variablesReference"])] == ["5"]
    assert [e["evaluateName"] for e in explorer.children(shown["t"]["variablesReference"])] == [
        "t.left"
    ]


def test_properties_are_not_called():
    class Trap:
        @property
        def boom(self):
            raise AssertionError

        def __getattr__(self, name):
            raise AssertionError(name)

    trap = Trap()
    trap.__dict__["fine"] = 1
    explorer = Explorer()
    shown = named(explorer.roots({"t": trap}))
    assert set(named(explorer.children(shown["t"]["variablesReference"]))) == {"fine"}


def test_a_repr_that_fails_is_told():
    class Broken:
        def __repr__(self):
            raise ValueError

    (shown,) = Explorer().roots({"b": Broken()})
    assert "Broken" in shown["value"]


@pytest.mark.parametrize("value", [list(range(10**6)), "x" * 10**6, {n: n for n in range(10**5)}])
def test_large_values_are_short(value):
    (shown,) = Explorer().roots({"v": value})
    assert len(shown["value"]) < 2000


def test_children_are_bounded():
    explorer = Explorer()
    (shown,) = explorer.roots({"v": list(range(10**6))})
    assert len(explorer.children(shown["variablesReference"])) == CHILDREN


def test_numbers_live_until_the_next_look():
    explorer = Explorer()
    (shown,) = explorer.roots({"v": [1]})
    explorer.roots({"w": 1})
    assert explorer.children(shown["variablesReference"]) == []
    assert explorer.children(None) == []


def test_a_value_is_handed_over_once():
    variables.hand_over({"a": 1})
    assert variables.take() == {"a": 1}
    with pytest.raises(LookupError):
        variables.take()
