"""Cells become code: unique file names, kept sources, remembered ``__future__`` imports."""

from __future__ import annotations

# `_ast` holds the node types; `ast` would add its Python half to the start of every runner.
import _ast
import linecache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Dict, Iterator, List, Optional, Tuple

#: ``inspect.CO_COROUTINE``: evaluating such code gives a coroutine.
_COROUTINE = 0x80

#: The compiler flags of all ``__future__`` imports, which a code object carries on. Python gives
#: them no common name outside of `__future__`, whose import is not worth one number.
_FUTURES = 0x1FE0000


class Program:
    """One compiled cell: its statements, and its last expression when that is to be shown."""

    def __init__(self, body: Optional[CodeType], value: Optional[CodeType]) -> None:
        self._body = body
        self._value = value

    @property
    def is_async(self) -> bool:
        return any(code is not None and code.co_flags & _COROUTINE for code in self._codes)

    @property
    def _codes(self) -> Tuple[Optional[CodeType], ...]:
        return (self._body, self._value)

    def run(self, names: Dict[str, Any]) -> Any:
        """Run in `names` and return the value of the last expression, None without one."""
        value = None
        for code in self._codes:
            value = None if code is None else eval(code, names)  # noqa: S307 - this is a shell
        return value

    async def run_async(self, names: Dict[str, Any]) -> Any:
        """Run code that awaits."""
        value: Any = None
        for code in self._codes:
            value = None if code is None else eval(code, names)  # noqa: S307 - this is a shell
            if code is not None and code.co_flags & _COROUTINE:
                value = await value
        return value


class Cells:
    """Compiles cells and remembers their sources for tracebacks and `inspect.getsource`."""

    def __init__(self) -> None:
        self._flags = 0
        self._labels: Dict[str, str] = {}
        self._sources: Dict[str, Tuple[int, None, Any, str]] = {}

    def compile(self, source: str, count: int, cell: Optional[str] = None) -> Program:
        """Compile Python source under a file name of its own.

        Raises:
            SyntaxError: Also for what `compile` refuses with other exceptions.
        """
        filename = self.add(source, count, cell)
        tree = self._parse(source, filename)
        last = tree.body[-1] if tree.body else None
        if not isinstance(last, _ast.Expr) or _is_quiet(source):
            return Program(self._code(tree, filename, "exec"), None)
        del tree.body[-1]
        # The statements come first: their ``__future__`` imports hold for the expression too.
        body = self._code(tree, filename, "exec") if tree.body else None
        return Program(body, self._code(_ast.Expression(last.value), filename, "eval"))

    def add(self, source: str, count: int, cell: Optional[str] = None) -> str:
        """Keep `source` and return the file name that stands for it."""
        stem = f"cell {count}" if cell is None else f"cell {count} {_printable(cell)}"
        filename, number = f"<{stem}>", 1
        while filename in self._sources:
            number += 1
            filename = f"<{stem}, run {number}>"
        self._labels[filename] = f"Cell In[{count}]"
        lines = [line + "\n" for line in source.split("\n")]
        entry = self._sources[filename] = (len(source), None, lines, filename)
        linecache.cache[filename] = entry
        return filename

    def label(self, filename: str) -> Optional[str]:
        """Return ``Cell In[n]`` for a cell's file name, None for any other."""
        return self._labels.get(filename)

    def source(self, filename: str) -> str:
        """Return the source kept under `filename`, an empty string when there is none."""
        return "".join(self._sources[filename][2]) if filename in self._sources else ""

    def all(self) -> List[Tuple[str, str]]:
        """Return file names and sources, the latest last."""
        return [(filename, self.source(filename)) for filename in list(self._sources)]

    def latest_first(self) -> Iterator[str]:
        """Yield the kept sources, the latest first."""
        for filename in reversed(list(self._sources)):
            yield self.source(filename)

    def restore_sources(self) -> None:
        """Put the sources into `linecache`, from which `linecache.clearcache` drops them.

        An entry without a modification time is kept by `linecache.checkcache`, and a forked child
        inherits it.
        """
        cache: Dict[str, Any] = linecache.cache
        if not self._sources.keys() <= cache.keys():
            cache.update(self._sources)

    def _parse(self, source: str, filename: str) -> _ast.Module:
        if "\0" in source:  # refused with different exceptions, none of which says where
            raise _refused(
                "source code cannot contain null bytes", source, filename, source.find("\0")
            )
        flags = _ast.PyCF_ONLY_AST | _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | self._flags
        try:
            tree: _ast.Module = compile(source, filename, "exec", flags, dont_inherit=True)
        except UnicodeEncodeError as error:
            message = f"a character that UTF-8 does not have: {error.object[error.start]!a}"
            raise _refused(message, source, filename, error.start) from None
        return tree

    def _code(self, tree: _ast.AST, filename: str, mode: str) -> CodeType:
        flags = _ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | self._flags
        code: CodeType = compile(tree, filename, mode, flags, dont_inherit=True)  # type: ignore[call-overload]
        self._flags |= code.co_flags & _FUTURES
        return code


def _is_quiet(source: str) -> bool:
    if ";" not in source:
        return False
    from wherry_runner.plain.lexing import ends_with_semicolon

    return ends_with_semicolon(source)


def _refused(message: str, source: str, filename: str, at: int) -> SyntaxError:
    line = source.count("\n", 0, max(at, 0)) + 1
    column = at - source.rfind("\n", 0, max(at, 0))
    text = source.split("\n")[line - 1].replace("\0", "?").encode("utf-8", "replace").decode()
    return SyntaxError(message, (filename, line, column, text))


def _printable(cell: str) -> str:
    """A cell id without what a file name in a traceback should not have."""
    return "".join(char if char.isalnum() or char in "-_." else "_" for char in cell[:64])
