"""Parameters of callables, read without calling a ``__repr__`` or an annotation of the user's."""

from __future__ import annotations

import inspect
import sys
import types

from wherry_runner.plain.lookup import attribute, is_class

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, List, Optional

_PLAIN = (int, float, complex, bool, str, bytes, type(None), type(Ellipsis))

#: A longer default says less than it hides.
_LONGEST = 40


def signature(value: Any) -> Optional[inspect.Signature]:
    """Return the signature of a function or class, None when it cannot be known safely."""
    if is_class(value):
        return _constructor(value)
    if type(value) is types.MethodType:
        return _without_first(signature(value.__func__))
    if not inspect.isroutine(value):
        return None
    options: Any = {}
    if sys.version_info >= (3, 14):
        import annotationlib

        # Annotations are code there; this form reads them without running it.
        options["annotation_format"] = annotationlib.Format.STRING
    try:
        return inspect.signature(value, **options)
    except (ValueError, TypeError):  # a C function without a text signature
        return None


def parameters(value: Any) -> List[str]:
    """Return the names that a call may use for keyword arguments."""
    found = signature(value)
    if found is None:
        return []
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [name for name, each in found.parameters.items() if each.kind in kinds]


def written(name: str, found: inspect.Signature) -> str:
    """Return the signature as text, with ``...`` for defaults that are not plain values."""
    shown = [each.replace(**_safe(each)) for each in found.parameters.values()]
    returned = _annotation(found.return_annotation)
    safe = found.replace(parameters=shown, return_annotation=returned)
    return name + str(safe).replace("'<...>'", "...")


def _safe(parameter: inspect.Parameter) -> Any:
    default = parameter.default
    if default is not parameter.empty and not _is_short(default):
        default = "<...>"
    return {"default": default, "annotation": _annotation(parameter.annotation)}


def _is_short(default: Any) -> bool:
    return type(default) in _PLAIN and len(repr(default)) <= _LONGEST


def _annotation(annotation: Any) -> Any:
    is_ours = type(annotation).__module__ in ("typing", "types", "builtins")
    return annotation if is_ours else inspect.Parameter.empty


def _constructor(cls: type) -> Optional[inspect.Signature]:
    for name in ("__init__", "__new__"):
        function = attribute(cls, name)
        if type(function) is types.FunctionType:
            return _without_first(signature(function))
    return None


def _without_first(found: Optional[inspect.Signature]) -> Optional[inspect.Signature]:
    if found is None:
        return None
    return found.replace(parameters=list(found.parameters.values())[1:])
