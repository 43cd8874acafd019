"""text/plain of values: `repr`, with containers that do not fit into a line broken up.

`pprint` is not used: its import brings dataclasses and inspect along, it cuts strings into pieces
and shows all of a list of ten million.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Set, Tuple, Union

    Node = Union[str, "Group", "Pair"]

WIDTH = 79

#: Items of one container that are shown before ``...``, as in IPython.
ITEMS = 1000

#: The length of what cannot stand in one line.
_ENDLESS = 1 << 30


class Group:
    """A container: its brackets and items."""

    def __init__(self, opening: str, items: List[Node], closing: str) -> None:
        self.opening = opening
        self.items = items
        self.closing = closing
        self.length = (
            len(opening) + len(closing) + sum(map(_length, items)) + 2 * max(0, len(items) - 1)
        )

    def flat(self) -> str:
        return self.opening + ", ".join(map(_flat, self.items)) + self.closing

    def lay(self, column: int, tail: int) -> str:
        if column + self.length + tail <= WIDTH:
            return self.flat()
        inner = column + len(self.opening)
        last = len(self.items) - 1
        parts = [
            _lay(item, inner, 1 if index < last else tail + len(self.closing))
            for index, item in enumerate(self.items)
        ]
        return self.opening + (",\n" + " " * inner).join(parts) + self.closing


class Pair:
    """A key and its value."""

    def __init__(self, key: Node, value: Node) -> None:
        self.key = key
        self.value = value
        self.length = _length(key) + 2 + _length(value)

    def flat(self) -> str:
        return f"{_flat(self.key)}: {_flat(self.value)}"

    def lay(self, column: int, tail: int) -> str:
        key = _lay(self.key, column, 2)
        last_line = len(key) - (key.rfind("\n") + 1)
        start = last_line + 2 + (0 if "\n" in key else column)
        return f"{key}: {_lay(self.value, start, tail)}"


def pretty(value: Any) -> str:
    """Return what is shown for `value`. Raises what its ``__repr__`` raises."""
    return _lay(_build(value, set()), 0, 0)


def _length(node: Node) -> int:
    if not isinstance(node, str):
        return node.length
    return _ENDLESS if "\n" in node else len(node)


def _flat(node: Node) -> str:
    return node if isinstance(node, str) else node.flat()


def _lay(node: Node, column: int, tail: int) -> str:
    if isinstance(node, str):
        return node.replace("\n", "\n" + " " * column) if column else node
    return node.lay(column, tail)


def _build(value: Any, outer: Set[int]) -> Node:
    # The method decides, not the class: a subclass with a repr of its own is not opened up.
    builder = _BUILDERS.get(id(_of_class(type(value), "__repr__")))
    if builder is None or not value:
        return repr(value)
    if id(value) in outer:
        return _RECURSIVE.get(type(value), "...")
    outer.add(id(value))
    try:
        return builder(value, outer)
    finally:
        outer.discard(id(value))


def _items(values: Iterable[Any], outer: Set[int]) -> List[Node]:
    nodes: List[Node] = []
    for value in values:
        if len(nodes) == ITEMS:
            nodes.append("...")
            break
        nodes.append(_build(value, outer))
    return nodes


def _pairs(values: Dict[Any, Any], outer: Set[int]) -> List[Node]:
    nodes: List[Node] = []
    for key, value in values.items():
        if len(nodes) == ITEMS:
            nodes.append("...")
            break
        nodes.append(Pair(_build(key, outer), _build(value, outer)))
    return nodes


def _list(value: List[Any], outer: Set[int]) -> Node:
    return Group("[", _items(value, outer), "]")


def _tuple(value: Tuple[Any, ...], outer: Set[int]) -> Node:
    return Group("(", _items(value, outer), ",)" if len(value) == 1 else ")")


def _dict(value: Dict[Any, Any], outer: Set[int]) -> Node:
    return Group("{", _pairs(value, outer), "}")


def _set(value: Set[Any], outer: Set[int]) -> Node:
    items = _items(_ordered(value), outer)
    if type(value) is set:
        return Group("{", items, "}")
    return Group(_name(value) + "({", items, "})")


def _ordered(values: Set[Any]) -> Iterable[Any]:
    if len(values) > ITEMS:  # sorting a million to show a thousand
        return values
    try:
        return sorted(values)
    except Exception:  # noqa: BLE001 - not comparable, or a comparison of the user's that raises
        return values


def _ordered_dict(value: Dict[Any, Any], outer: Set[int]) -> Node:
    return Group(_name(value) + "({", _pairs(value, outer), "})")


def _default_dict(value: Any, outer: Set[int]) -> Node:
    return Group(f"{_name(value)}({value.default_factory!r}, {{", _pairs(value, outer), "})")


def _counter(value: Any, outer: Set[int]) -> Node:
    return Group(_name(value) + "({", _pairs(dict(value.most_common(ITEMS + 1)), outer), "})")


def _deque(value: Any, outer: Set[int]) -> Node:
    bound = "" if value.maxlen is None else f", maxlen={value.maxlen}"
    return Group(_name(value) + "([", _items(value, outer), f"]{bound})")


#: `type.__getattribute__` sees past a metaclass that answers for itself.
_of_class: Callable[[type, str], Any] = type.__getattribute__


def _name(value: Any) -> str:
    return str(_of_class(type(value), "__name__"))


#: By identity, since a ``__repr__`` of the user's need not be hashable.
_BUILDERS: Dict[int, Callable[[Any, Set[int]], Node]] = {
    id(cls.__repr__): builder
    for cls, builder in (
        (list, _list),
        (tuple, _tuple),
        (dict, _dict),
        (set, _set),
        (frozenset, _set),
        (OrderedDict, _ordered_dict),
        (defaultdict, _default_dict),
        (Counter, _counter),
        (deque, _deque),
    )
}

_RECURSIVE: Dict[Any, str] = {list: "[...]", tuple: "(...)", dict: "{...}"}
