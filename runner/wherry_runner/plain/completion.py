"""Completion. Runs beside user code and executes none of it."""

from __future__ import annotations

import keyword
import re

from wherry_runner.plain.completion_places import module_names, names_in_module, paths
from wherry_runner.plain.lexing import Position
from wherry_runner.plain.lookup import (
    all_names,
    attributes,
    expression_before,
    kind,
    kind_of,
    resolve,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Optional, Tuple

    from wherry_runner.plain.shell import Shell

    #: Where the replaced text starts, and the candidates with their kinds.
    Found = Tuple[int, Iterable[Tuple[str, str]]]

_WORD = re.compile(r"[^\W\d]\w*\Z|\Z")
_REST_OF_WORD = re.compile(r"\w*")
_MAGIC = re.compile(r"(?:^|=)[ \t]*(%{1,2}\w*)\Z", re.MULTILINE)
_COMMAND = re.compile(r"^[ \t]*(?:!|%%?(?:cd|run|writefile|file|ls|cat)\b).*?([^\s'\"=]*)\Z")
_QUOTE = re.compile(r"\w*('''|\"\"\"|'|\")")
_MAGIC_NAME = re.compile(r"^[ \t]*%%?\w+[ \t]")
_FROM = re.compile(r"^\s*from\s+([\w.]+)\s+import\s+(?:\(?[\w\s,]*[\s,(])?(\w*)\Z")
_MODULE = re.compile(r"^\s*(?:from|import(?:\s+[\w.]+(?:\s+as\s+\w+)?\s*,)*)\s+([\w.]*)\Z")


class Place:
    """The text before the cursor and what surrounds its end."""

    def __init__(self, code: str, cursor: int, names: Dict[Any, Any]) -> None:
        self.before = code[:cursor]
        self.after = code[cursor:]
        self.names = names
        self.line_start = self.before.rfind("\n") + 1
        self.line = self.before[self.line_start :]
        self.position = Position(_without_magic(self.before, self.line_start))
        found = _WORD.search(self.before)
        self.word_start = found.start() if found else cursor
        self.word = self.before[self.word_start :]

    def value_before(self, end: int) -> Tuple[bool, Any]:
        """Return the value of the expression that ends at `end`."""
        expression = expression_before(self.before, self.position, end)
        return resolve(expression, self.names) if expression else (False, None)


def complete(shell: Shell, code: str, cursor: int) -> Tuple[List[str], int, int, Dict[str, Any]]:
    """See `Host.complete`."""
    cursor = min(max(cursor, 0), len(code))
    place = Place(code, cursor, dict(shell.namespace.names))
    for source in _SOURCES:
        found = source(shell, place)
        if found is not None:
            return _answer(place, found, cursor)
    return [], cursor, cursor, {}


def _answer(place: Place, found: Found, cursor: int) -> Tuple[List[str], int, int, Dict[str, Any]]:
    start, candidates = found
    kinds = _fitting(dict(candidates), place.before[start:])
    matches = sorted(kinds, key=lambda text: _rank(text, kinds[text]))
    end = cursor + _replaced_after(place, start, matches)
    types = [{"text": text, "type": kinds[text], "start": start, "end": end} for text in matches]
    return matches, start, end, {"_jupyter_types_experimental": types}


def _rank(text: str, kind: str) -> Tuple[bool, bool, bool, str]:
    """Arguments of the call first, private names last."""
    return kind != "param", text.startswith("_"), text.startswith("__"), text


def _fitting(kinds: Dict[str, str], prefix: str) -> Dict[str, str]:
    """Keep what begins with `prefix`, in any case of letters when nothing does so exactly."""
    exact = {text: kind for text, kind in kinds.items() if text.startswith(prefix)}
    if not exact:
        low = prefix.lower()
        exact = {text: kind for text, kind in kinds.items() if text.lower().startswith(low)}
    if prefix.startswith("_"):
        return exact
    return {text: kind for text, kind in exact.items() if not text.startswith("_")}


def _replaced_after(place: Place, start: int, matches: List[str]) -> int:
    """In the middle of a word that is one of the matches, its rest is replaced too."""
    found = _REST_OF_WORD.match(place.after)
    rest = found[0] if found else ""
    whole = place.before[start:] + rest
    return len(rest) if rest and any(match.startswith(whole) for match in matches) else 0


def _without_magic(before: str, line_start: int) -> str:
    """Blank out a magic's name, so that what follows it is read as Python."""
    found = _MAGIC_NAME.match(before[line_start:])
    if not found:
        return before
    return before[:line_start] + " " * found.end() + before[line_start + found.end() :]


def _magics(shell: Shell, place: Place) -> Optional[Found]:
    found = _MAGIC.search(place.before)
    if not found or place.position.string is not None:
        return None
    names = []
    if not found[1].startswith("%%"):
        names = ["%" + name for name in shell.magics.names("line")]
    if not place.before[: found.start(1)].strip():
        names += ["%%" + name for name in shell.magics.names("cell")]
    return found.start(1), [(name, "magic") for name in names]


def _commands(shell: Shell, place: Place) -> Optional[Found]:
    del shell
    found = _COMMAND.match(place.line)
    if not found or place.position.string is not None:
        return None
    return paths(found[1], place.line_start + found.start(1))


def _strings(shell: Shell, place: Place) -> Optional[Found]:
    del shell
    start = place.position.string
    if start is None:
        return (len(place.before), []) if place.position.in_comment else None
    quoted = _QUOTE.match(place.before, start)
    if quoted is None:
        return None
    inner = quoted.end()
    keys = _keys(place, start)
    if keys is None:
        return paths(place.before[inner:], inner)
    close = quoted[1] + "]"
    ending = "" if place.after.startswith(quoted[1]) else close
    return inner, [(key + ending, "instance") for key in keys if _is_simple(key)]


def _subscripts(shell: Shell, place: Place) -> Optional[Found]:
    del shell
    keys = _keys(place, len(place.before)) if place.before.endswith("[") else None
    if not keys:
        return None
    ending = "" if place.after.startswith("]") else "]"
    return len(place.before), [(f"'{key}'{ending}", "instance") for key in keys if _is_simple(key)]


def _keys(place: Place, end: int) -> Optional[List[str]]:
    """Return the keys of the dictionary whose subscript begins just before `end`."""
    brackets = place.position.brackets
    if not brackets or place.before[brackets[-1] : end].strip() != "[":
        return None
    known, value = place.value_before(brackets[-1])
    if not known or type(value) is not dict:
        return None
    return [key for key in list(value) if type(key) is str]


def _is_simple(key: str) -> bool:
    return key.isprintable() and not any(mark in key for mark in "'\"\\")


def _imports(shell: Shell, place: Place) -> Optional[Found]:
    del shell
    logical = place.position.line
    statement = place.before[logical[0][1] :] if logical else place.line
    found = _FROM.match(statement)
    if found:
        return place.word_start, names_in_module(found[1])
    found = _MODULE.match(statement)
    if found:
        package, _, last = found[1].rpartition(".")
        return len(place.before) - len(last), [(n, "module") for n in module_names(package)]
    return None


def _attributes(shell: Shell, place: Place) -> Optional[Found]:
    del shell
    dot = place.word_start - 1
    if dot < 0 or place.before[dot] != ".":
        return None
    known, value = place.value_before(dot)
    if not known:
        return place.word_start, []
    prefix = place.word[:1]
    names = (name for name in attributes(value) if name[:1].lower() == prefix.lower() or not prefix)
    return place.word_start, [(name, kind_of(value, name)) for name in names]


def _names(shell: Shell, place: Place) -> Optional[Found]:
    del shell
    found = [(word, "keyword") for word in keyword.kwlist]
    everything = dict.fromkeys(all_names({}), "function")
    everything.update((n, kind(v)) for n, v in place.names.items() if isinstance(n, str))
    found += everything.items()
    found += [(name + "=", "param") for name in _parameters(place)]
    return place.word_start, found


def _parameters(place: Place) -> List[str]:
    brackets = place.position.brackets
    if not brackets or place.before[brackets[-1]] != "(":
        return []
    known, value = place.value_before(brackets[-1])
    if not known:
        return []
    from wherry_runner.plain.signatures import parameters

    names = parameters(value)
    # Methods come as functions of their class, with the instance still to be given.
    return [name for name in names if name not in ("self", "cls")]


#: The first one that knows the place answers.
_SOURCES: Tuple[Callable[[Shell, Place], Optional[Found]], ...] = (
    _magics,
    _commands,
    _strings,
    _subscripts,
    _imports,
    _attributes,
    _names,
)
