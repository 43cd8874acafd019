"""The user's variables as a debug client shows them, without a debugger.

Called while user code runs, from another thread: nothing here calls properties, and a container is
shown by its first items only. `repr` is the user's, so it may be slow and it may raise.
"""

from __future__ import annotations

import re
import reprlib
from itertools import islice
from types import BuiltinFunctionType, FunctionType, MappingProxyType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, Iterator, List, Mapping, Tuple

    Variable = Dict[str, Any]

#: Children shown of one container. A list of a million elements must not become a message.
CHILDREN = 500

#: Characters of one value; the client fetches the rest as rich output.
_VALUE = 1000

#: What the shell puts beside the user's variables.
_DUNDERS = "annotations builtin builtins display doc loader name package spec"
_OTHERS = ("get_ipython", "debugpy", "exit", "quit", "In", "Out", "_oh", "_dh", "_ih")
_SHELLS = frozenset([*(f"__{each}__" for each in _DUNDERS.split()), *_OTHERS, "_", "__", "___"])
_HISTORY = re.compile(r"_i{1,3}$|_i?\d+$")

#: The groups that debugpy forms too; each is a child with a name in two words.
_FUNCTIONS, _CLASSES, _SPECIAL = "function variables", "class variables", "special variables"
GROUPS = (_SPECIAL, _FUNCTIONS, _CLASSES)

_handed: List[Any] = []


def is_users(name: object) -> bool:
    """Say whether a variable is the user's and not the shell's bookkeeping."""
    return isinstance(name, str) and name not in _SHELLS and not _HISTORY.match(name)


def hand_over(value: Any) -> None:
    """Called in a stopped frame, by an expression that is evaluated there."""
    _handed[:] = [value]


def take() -> Any:
    """Return what `hand_over` was given.

    Raises:
        LookupError: It was not called since the last time.
    """
    return _handed.pop()


class _Group(dict):  # type: ignore[type-arg]
    """Variables of one kind, shown as one."""


class _Short(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxlist = self.maxtuple = self.maxset = self.maxfrozenset = self.maxdict = 50
        self.maxarray = self.maxdeque = 50
        self.maxstring = self.maxlong = self.maxother = _VALUE


class Explorer:
    """Numbers values so that a client can ask for their parts. The numbers live until `reset`."""

    def __init__(self) -> None:
        self._values: Dict[int, Tuple[Any, str]] = {}
        self._repr = _Short()

    def roots(self, namespace: Mapping[str, Any]) -> List[Variable]:
        """Forget all numbers and return the user's variables, functions and classes in groups."""
        self._values.clear()
        plain, groups = _grouped(namespace)
        shown = [self._group(name, members) for name, members in groups.items() if members]
        return shown + [self._variable(name, value, name) for name, value in plain]

    def children(self, reference: object) -> List[Variable]:
        """Return the parts of the value with this number; none for a number that is not known."""
        value, path = self._values.get(reference, (None, ""))  # type: ignore[call-overload]
        parts = islice(_parts(value, path), CHILDREN)
        return [self._variable(name, part, access) for name, part, access in parts]

    def _group(self, name: str, members: Dict[str, Any]) -> Variable:
        return {
            "name": name,
            "value": "",
            "type": "",
            "evaluateName": name,
            "variablesReference": self._number(_Group(members), ""),
        }

    def _variable(self, name: str, value: Any, access: str) -> Variable:
        return {
            "name": name,
            "value": self._text(value),
            "type": type(value).__name__,
            "evaluateName": access,
            "variablesReference": self._number(value, access) if _has_parts(value) else 0,
        }

    def _number(self, value: Any, access: str) -> int:
        number = len(self._values) + 1
        self._values[number] = (value, access)
        return number

    def _text(self, value: Any) -> str:
        try:
            return self._repr.repr(value)
        except Exception as error:  # noqa: BLE001 - the user's __repr__
            return f"<{type(value).__name__}, its repr failed: {type(error).__name__}>"


def _grouped(
    namespace: Mapping[str, Any],
) -> Tuple[List[Tuple[str, Any]], Dict[str, Dict[str, Any]]]:
    plain: List[Tuple[str, Any]] = []
    groups: Dict[str, Dict[str, Any]] = {_FUNCTIONS: {}, _CLASSES: {}}
    # One step: a running cell may add names meanwhile.
    for name, value in sorted(dict(namespace).items(), key=lambda item: str(item[0])):
        if not is_users(name):
            continue
        if isinstance(value, (FunctionType, BuiltinFunctionType)):
            groups[_FUNCTIONS][name] = value
        elif isinstance(value, type):
            groups[_CLASSES][name] = value
        else:
            plain.append((name, value))
    return plain, groups


def _has_parts(value: Any) -> bool:
    if isinstance(value, (str, bytes, bytearray, int, float, complex, type(None), type)):
        return False
    if isinstance(value, (dict, list, tuple, set, frozenset)):
        return bool(value)
    return bool(_attributes(value))


def _parts(value: Any, path: str) -> Iterator[Tuple[str, Any, str]]:
    """Yield name, value and the expression that gives it."""
    if isinstance(value, _Group):
        yield from ((name, part, name) for name, part in value.items())
    elif isinstance(value, (dict, MappingProxyType)):
        yield from ((repr(key), part, f"{path}[{key!r}]") for key, part in list(value.items()))
    elif isinstance(value, (list, tuple)):
        yield from ((str(at), part, f"{path}[{at}]") for at, part in enumerate(value))
    elif isinstance(value, (set, frozenset)):
        yield from ((str(at), part, f"list({path})[{at}]") for at, part in enumerate(list(value)))
    else:
        yield from ((name, part, f"{path}.{name}") for name, part in _attributes(value).items())


def _attributes(value: Any) -> Dict[str, Any]:
    """Return what is stored in the object itself; properties are not called."""
    try:
        found = dict(object.__getattribute__(value, "__dict__"))
    except (AttributeError, TypeError):
        found = {}
    for name in _slots(type(value)):
        try:
            found[name] = object.__getattribute__(value, name)
        except (AttributeError, TypeError):
            continue  # declared and not set
    return found


def _slots(cls: type) -> Iterable[str]:
    for each in cls.__mro__:
        slots = each.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots
