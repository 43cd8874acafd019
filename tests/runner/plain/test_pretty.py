import collections
import typing

import pytest

from wherry_runner.plain.pretty import pretty


@pytest.mark.parametrize(
    "value",
    [[], (), {}, set(), frozenset(), (1,), [1, "a"], {"a": [1, (2,)]}, {3, 1}, frozenset([1])],
)
def test_small_containers_are_their_repr(value):
    assert pretty(value) == repr(value)


def test_a_long_list_has_one_item_on_each_line():
    assert pretty([10**20] * 5) == "[" + ",\n ".join([str(10**20)] * 5) + "]"


def test_nested_containers_are_indented():
    value = {"first": ["x" * 40, "y" * 40], "second": 1}
    assert pretty(value) == (
        f"{{'first': ['{'x' * 40}',\n           '{'y' * 40}'],\n 'second': 1}}"
    )


def test_what_fits_into_79_columns_stays_on_a_line():
    assert "\n" not in pretty(["x" * 75])
    assert pretty(["x" * 37, "x" * 36]).count("\n") == 1
    assert pretty(["x" * 37, "x" * 32]).count("\n") == 0


def test_lines_of_an_items_repr_stay_under_each_other():
    class Table:
        def __repr__(self):
            return "1 2\n3 4"

    assert pretty([Table(), 5]) == "[1 2\n 3 4,\n 5]"


@pytest.mark.parametrize("make", [list, tuple, collections.deque])
def test_after_a_thousand_items_come_dots(make):
    text = pretty(make(range(5000)))
    assert " 999," in text
    assert "1000" not in text
    assert "..." in text


def test_large_sets_and_dictionaries_are_cut_too():
    assert pretty(dict.fromkeys(range(5000))).count("\n") == 1000
    assert pretty(set(range(5000))).count("\n") == 1000


def test_a_container_in_itself_is_dots():
    value = [1]
    value.append(value)
    assert pretty(value) == "[1, [...]]"


def test_sets_are_sorted_where_that_is_possible():
    assert pretty({3, 1, 2}) == "{1, 2, 3}"
    assert set(pretty({1, "a"})) == set("{1, 'a'}")


def test_collections_are_broken_up():
    default = collections.defaultdict(list, {"a" * 40: ["b" * 40]})
    assert pretty(default).startswith("defaultdict(<class 'list'>, {'aaa")
    assert pretty(collections.Counter("aab")) == "Counter({'a': 2, 'b': 1})"
    assert pretty(collections.deque([1], maxlen=3)) == "deque([1], maxlen=3)"


def test_a_subclass_with_its_own_repr_keeps_it():
    class Point(typing.NamedTuple):
        x: int
        y: int

    assert pretty(Point(1, 2)) == "Point(x=1, y=2)"


def test_a_set_subclass_names_itself():
    class Tags(set):
        pass

    assert pretty(Tags("a")) == "Tags({'a'})"


def test_a_metaclass_cannot_confuse_it():
    class Meta(type):
        def __getattribute__(cls, name):
            raise RuntimeError(name)

    class Odd(metaclass=Meta):
        def __repr__(self):
            return "odd"

        def __eq__(self, other):
            raise RuntimeError("eq")

        __hash__ = object.__hash__

    assert pretty([Odd()]) == "[odd]"
