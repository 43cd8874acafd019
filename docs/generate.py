"""Fill the marked regions of the docs from the code, so that neither can be wrong alone.

A region begins with ``<!-- generated: NAME -->`` and ends with ``<!-- end -->``. Without arguments
the pages are written again; with ``--check`` nothing is written and stale pages are named.
"""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wherry_kernel.options import SETTINGS
from wherry_runner import frames
from wherry_supervisor import lifecycle

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DOCS = Path(__file__).parent
REGION = re.compile(r"(<!-- generated: (\w+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def frame_tables() -> str:
    """One section for each direction, one table for each frame, in the order of `frames.py`."""
    source = inspect.getsource(frames)
    lines = source.splitlines()
    classes = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.ClassDef)}
    headings = {
        number: match.group(1)
        for number, line in enumerate(lines, 1)
        if (match := re.match(r"# --- (.*?) -+$", line))
    }
    known = {frame.__name__: frame for frame in frames.FRAMES.values()}
    written: list[str] = []
    heading = ""
    for name, node in classes.items():
        if name not in known:
            continue
        latest = headings[max(number for number in headings if number < node.lineno)]
        if latest != heading:
            heading = latest
            written += [f"### {heading}", ""]
        written += [*_frame(node, known[name], lines), ""]
    return "\n".join(written)


def _frame(node: ast.ClassDef, frame: type[frames.Frame], lines: list[str]) -> Iterator[str]:
    yield f"#### `{frame.type}`"
    yield ""
    yield _prose(inspect.getdoc(frame) or "")
    members = [
        each
        for each in node.body
        if isinstance(each, ast.AnnAssign)
        and isinstance(each.target, ast.Name)
        and each.target.id != "type"
    ]
    if not members:
        return
    yield ""
    yield "| member | type | left out means | |"
    yield "|---|---|---|---|"
    for each in members:
        kind = ast.unparse(each.annotation)
        default = ast.unparse(each.value) if each.value else ""
        comment = _prose(_comment_above(each.lineno, lines))
        name = ast.unparse(each.target)
        yield f"| `{name}` | {_json_type(kind)} | `{_json(default)}` | {comment} |"


def _comment_above(number: int, lines: list[str]) -> str:
    """Return the ``#:`` lines that stand directly above line `number`."""
    found: list[str] = []
    for line in reversed(lines[: number - 1]):
        if not line.strip().startswith("#:"):
            break
        found.insert(0, line.strip().removeprefix("#:").strip())
    return " ".join(found)


def _json_type(annotation: str) -> str:
    """Say a Python annotation as JSON's reader sees it."""
    names = {
        "str": "string",
        "int": "integer",
        "float": "number",
        "bool": "boolean",
        "Any": "any",
    }
    if annotation.startswith("Optional["):
        return f"{_json_type(annotation[9:-1])} or null"
    if annotation.startswith("Tuple["):
        return f"array of {_json_type(annotation[6:-1].partition(',')[0])}s"
    if annotation.startswith("List["):
        return f"array of {_json_type(annotation[5:-1])}s"
    return "object" if annotation.startswith("Dict[") else names[annotation]


def _json(default: str) -> str:
    words = {"None": "null", "True": "true", "False": "false", "()": "[]"}
    return words.get(default, default.replace("'", '"'))


def _prose(text: str) -> str:
    """Markdown marks code with one backtick; the wire calls a frame by its type, not its class."""
    types = {each.__name__: each.type for each in frames.FRAMES.values()}
    return re.sub(r"`(\w+)`", lambda m: f"`{types.get(m[1], m[1])}`", text.replace("``", "`"))


def lifecycle_diagram() -> str:
    return f"```mermaid\n{lifecycle.diagram()}```\n"


def settings() -> str:
    lines = ["| setting | value | default | |", "|---|---|---|---|"]
    for name, field in SETTINGS.items():
        kind = _kind(field)
        lines.append(
            f"| `{name}` | {kind} | {_default(field.default)} | {field.metadata['help']} |"
        )
    return "\n".join(lines) + "\n"


def _kind(field: dataclasses.Field[Any]) -> str:
    read = field.metadata["read"]
    words = (
        inspect.getclosurevars(read).nonlocals.get("words") if inspect.isfunction(read) else None
    )
    if words:
        return ", ".join(f"`{word}`" for word in words)
    named = {
        "seconds": "seconds or `none`",
        "float": "seconds",
        "fraction": "a part of one, or `none`",
        "size": "bytes, or with K, M, G, T; or `none`",
        "flag": "true or false",
    }
    return named.get(read.__name__, "text")


def _default(value: object) -> str:
    if value is None:
        return "none"
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


GENERATORS: dict[str, Callable[[], str]] = {
    "frames": frame_tables,
    "lifecycle": lifecycle_diagram,
    "settings": settings,
}


def filled(text: str) -> str:
    """Return `text` with every region as the code has it now."""
    return REGION.sub(
        lambda match: f"{match[1]}\n{GENERATORS[match[2]]().strip()}\n\n{match[4]}", text
    )


def pages() -> list[Path]:
    return sorted(DOCS.rglob("*.md"))


def main() -> int:
    stale = [page for page in pages() if filled(page.read_text("utf-8")) != page.read_text("utf-8")]
    check = "--check" in sys.argv[1:]
    for page in stale:
        print(f"docs/{page.relative_to(DOCS)}: {'stale, run `make docs`' if check else 'written'}")
        if not check:
            page.write_text(filled(page.read_text("utf-8")), "utf-8")
    if not stale:
        print("the docs say what the code says")
    return 1 if stale and check else 0


if __name__ == "__main__":
    sys.exit(main())
