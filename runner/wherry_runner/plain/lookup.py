"""Finding values and attributes without running user code: no properties, no ``__getattr__``.

Completion and inspection look at live objects from another thread while a cell runs, so whatever
could execute something is treated as unknown.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Mapping, Tuple

    from wherry_runner.plain.lexing import Position

_MISSING = object()

#: Past what a metaclass answers.
_mro = type.__dict__["__mro__"].__get__
_class_dict = type.__dict__["__dict__"].__get__

#: Attributes found on a class that are themselves what one gets from the instance, roughly.
_FUNCTIONS = (
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
)


def is_class(value: Any) -> bool:
    """isinstance() would ask the value's own ``__class__``."""
    return issubclass(type(value), type)


def resolve(expression: str, names: Mapping[str, Any]) -> Tuple[bool, Any]:
    """Return whether `expression` has a value that can be found safely, and the value."""
    try:
        node = ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False, None
    value = _value(node, names)
    return (False, None) if value is _MISSING else (True, value)


def _value(node: ast.AST, names: Mapping[str, Any]) -> Any:
    if isinstance(node, ast.Name):
        return names.get(node.id, vars(builtins).get(node.id, _MISSING))
    if isinstance(node, ast.Attribute):
        owner = _value(node.value, names)
        return owner if owner is _MISSING else attribute(owner, node.attr)
    if isinstance(node, ast.Subscript):
        return _item(_value(node.value, names), node.slice)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return _MISSING


def _item(owner: Any, index: ast.AST) -> Any:
    """Exact built-in containers only: a subclass may have a ``__getitem__`` of its own."""
    if type(index).__name__ == "Index":  # Python 3.8
        index = index.value  # type: ignore[attr-defined]
    if type(owner) not in (dict, list, tuple) or not isinstance(index, ast.Constant):
        return _MISSING
    if type(owner) is dict and type(index.value) is not str:
        return _MISSING
    try:
        return owner[index.value]
    except Exception:  # noqa: BLE001 - not there, or a key's __eq__
        return _MISSING


def attribute(owner: Any, name: str) -> Any:
    """Return the attribute as far as it can be had without running anything, else a marker.

    Methods come as their functions. Use `is_known` on the answer.
    """
    try:
        raw = inspect.getattr_static(owner, name, _MISSING)
    except Exception:  # noqa: BLE001 - broken classes must not break completion
        return _MISSING
    if isinstance(raw, (staticmethod, classmethod)):
        return raw.__func__
    if type(raw) is types.MemberDescriptorType and not is_class(owner):
        try:
            return raw.__get__(owner)
        except AttributeError:
            return _MISSING
    if type(raw) in _FUNCTIONS:
        return raw
    # Anything else with __get__ is a property of some kind.
    return _MISSING if _has(type(raw), "__get__") else raw


def is_known(value: Any) -> bool:
    """Say whether `attribute` found something."""
    return value is not _MISSING


def _has(cls: type, name: str) -> bool:
    return any(name in _class_dict(each) for each in _mro(cls))


def attributes(value: Any) -> List[str]:
    """Return the names that ``dir`` would, without asking ``__dir__``."""
    found = set(_instance_names(value))
    for cls in _mro(value if is_class(value) else type(value)):
        found.update(_class_dict(cls))
    return [name for name in found if isinstance(name, str)]


def _instance_names(value: Any) -> List[Any]:
    if is_class(value):
        return []
    try:
        # Not value.__dict__: a lazy module would be imported by that.
        own = object.__getattribute__(value, "__dict__")
    except Exception:  # noqa: BLE001 - it has none
        return []
    if not issubclass(type(own), dict):
        return []
    names = list(dict.keys(own))
    listed: Any = dict.get(own, "__all__") if issubclass(type(value), types.ModuleType) else None
    return [*names, *listed] if isinstance(listed, (list, tuple)) else names


def all_names(names: Mapping[Any, Any]) -> List[str]:
    """Return the user's names and the built-in ones."""
    return [name for name in {**names, **vars(builtins)} if isinstance(name, str)]


def kind_of(owner: Any, name: str) -> str:
    """Return the word that front ends know for what the attribute is."""
    return kind(attribute(owner, name))


def kind(value: Any) -> str:
    """Return ``function``, ``class``, ``module`` or ``instance``."""
    if is_class(value):
        return "class"
    if issubclass(type(value), types.ModuleType):
        return "module"
    is_function = issubclass(type(value), (*_FUNCTIONS, types.MethodType))
    return "function" if is_function else "instance"


def expression_before(code: str, position: Position, end: int) -> str:
    """Return the dotted or indexed expression of the last logical line that ends at `end`."""
    tokens = [token for token in position.line if token[2] <= end]
    start = end
    for first in _starts(code, tokens):
        start = first
    return code[start:end]


def _starts(code: str, tokens: List[Tuple[str, int, int]]) -> Iterator[int]:
    """Yield ever earlier places where the expression may begin."""
    at = len(tokens) - 1
    while at >= 0:
        kind_, start, _ = tokens[at]
        if kind_ == "close":
            at = _opening(tokens, at)
            if at < 0:
                return
            yield tokens[at][1]
            at -= 1
            if at >= 0 and _may_be_indexed(code, tokens[at]):
                continue
        elif kind_ in ("name", "string"):
            yield start
            at -= 1
        else:
            return
        if at < 0 or code[tokens[at][1] : tokens[at][2]] != ".":
            return
        at -= 1


def _may_be_indexed(code: str, token: Tuple[str, int, int]) -> bool:
    import keyword

    return token[0] == "close" or (
        token[0] == "name" and not keyword.iskeyword(code[token[1] : token[2]])
    )


def _opening(tokens: List[Tuple[str, int, int]], at: int) -> int:
    depth = 0
    while at >= 0:
        depth += _CLOSING.get(tokens[at][0], 0)
        if not depth:
            return at
        at -= 1
    return -1


_CLOSING: Dict[str, int] = {"close": 1, "open": -1}
