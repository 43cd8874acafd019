"""What is known about a name, as plain text. Runs beside user code and executes none of it."""

from __future__ import annotations

import ast
import inspect
import re
import types

from wherry_runner.plain.lexing import Position
from wherry_runner.plain.lookup import attribute, expression_before, is_class, is_known, resolve
from wherry_runner.plain.signatures import signature, written

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Iterator, List, Mapping, Optional, Tuple

    from wherry_runner.plain.cells import Cells
    from wherry_runner.plain.shell import Shell

_REST_OF_WORD = re.compile(r"\w*")
_MAGIC = re.compile(r"%{1,2}\w+")

#: Values whose repr is Python's own, and how much of it is shown.
_PLAIN = (int, float, complex, bool, str, bytes, type(None))
_LONGEST = 200

#: Of others `inspect` would ask for attributes.
_WITH_SOURCE = (types.FunctionType, types.MethodType, types.ModuleType)


def inspect_at(shell: Shell, code: str, cursor: int, detail: int) -> Optional[str]:
    """Describe the name at `cursor`, else the function whose arguments it is among."""
    cursor = min(max(cursor, 0), len(code))
    names = dict(shell.namespace.names)
    for expression in _expressions(code, cursor):
        text = describe(shell, expression, detail, names)
        if text is not None:
            return text
    return None


def _expressions(code: str, cursor: int) -> Iterator[str]:
    line_start = code.rfind("\n", 0, cursor) + 1
    for magic in _MAGIC.finditer(code, line_start):
        if magic.start() <= cursor <= magic.end() and not code[line_start : magic.start()].strip():
            yield magic[0]
            return
    found = _REST_OF_WORD.match(code, cursor)
    end = found.end() if found else cursor
    position = Position(code[:end])
    if position.string is None and not position.in_comment:
        yield expression_before(code, position, end)
    for bracket in reversed(position.brackets):
        if code[bracket] == "(":
            yield expression_before(code, position, bracket)


def describe(shell: Shell, expression: str, detail: int, names: Mapping[str, Any]) -> Optional[str]:
    """Return the text about the value of `expression`, None when it has none."""
    if expression.startswith("%"):
        return _magic(shell, expression)
    known, value = resolve(expression, names) if expression else (False, None)
    if not known:
        return None
    fields = list(_fields(shell.cells, expression, value, detail))
    return "\n".join(_field(name, text) for name, text in fields)


def _magic(shell: Shell, expression: str) -> Optional[str]:
    name, kind = expression.lstrip("%"), "cell" if expression.startswith("%%") else "line"
    function = shell.magics.find(name, kind)
    if function is None:
        return None
    return _field("Docstring", _docstring(function) or "<no docstring>")


def _field(name: str, text: str) -> str:
    separator = "\n" if "\n" in text else " " * max(1, 11 - len(name))
    return f"{name}:{separator}{text}"


def _fields(cells: Cells, expression: str, value: Any, detail: int) -> Iterator[Tuple[str, str]]:
    found = signature(value)
    if found is not None:
        label = "Init signature" if is_class(value) else "Signature"
        yield label, written(expression.rpartition(".")[2] or expression, found)
    yield "Type", type.__getattribute__(type(value), "__name__")
    yield from _shape(value)
    place = _file(value)
    if place:
        yield "File", place
    source = _source(cells, value) if detail else None
    docstring = _docstring(value)
    if source:
        yield "Source", source
    elif docstring:
        yield "Docstring", docstring


def _shape(value: Any) -> Iterator[Tuple[str, str]]:
    if type(value) in _PLAIN:
        try:
            text = repr(value)
        except ValueError:  # an integer beyond the limit of digits
            text = "<a number of very many digits>"
        yield "String form", text if len(text) <= _LONGEST else text[:_LONGEST] + "..."
    if type(value) in (str, bytes, list, tuple, dict, set, frozenset):
        yield "Length", str(len(value))


def _docstring(value: Any) -> Optional[str]:
    # For functions and classes the slot itself is read: no property can stand there.
    if type(value) in (types.FunctionType, types.ModuleType):
        found = value.__doc__
    elif type(value) is types.BuiltinFunctionType or inspect.ismethoddescriptor(value):
        found = inspect.getdoc(value)
    else:
        found = attribute(value if is_class(value) else type(value), "__doc__")
    if not is_known(found) or not isinstance(found, str):
        return None
    return inspect.cleandoc(found) or None


def _file(value: Any) -> Optional[str]:
    code = getattr(value, "__code__", None) if type(value) is types.FunctionType else None
    if code is not None:
        return str(code.co_filename)
    if type(value) is types.ModuleType:
        found = value.__dict__.get("__file__")
        return found if isinstance(found, str) else None
    return None


def _source(cells: Cells, value: Any) -> Optional[str]:
    if is_class(value) and attribute(value, "__module__") == "__main__":
        return _class_source(cells, type.__getattribute__(value, "__qualname__"))
    if not is_class(value) and type(value) not in _WITH_SOURCE:
        return None
    try:
        return inspect.getsource(value)
    except Exception:  # noqa: BLE001 - built-in, or the file is gone or changed
        return None


def _class_source(cells: Cells, qualname: str) -> Optional[str]:
    """Search the cells, the latest first: a class does not know where it was defined."""
    path = qualname.split(".")
    for source in cells.latest_first():
        if f"class {path[-1]}" not in source:
            continue
        node = _class_node(ast.parse(source), path)
        if node is not None:
            return ast.get_source_segment(source, node)
    return None


def _class_node(tree: ast.AST, path: List[str]) -> Optional[ast.ClassDef]:
    node: Any = tree
    for name in path:
        inner = [n for n in getattr(node, "body", ()) if isinstance(n, ast.ClassDef)]
        node = next((n for n in inner if n.name == name), None)
        if node is None:
            return None
    return node if isinstance(node, ast.ClassDef) else None
