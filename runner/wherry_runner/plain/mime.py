"""Values to MIME bundles, by the ``_repr_*_`` methods that they offer."""

from __future__ import annotations

from wherry_runner.plain.pretty import pretty

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Collection, Dict, List, Optional, Tuple

    Bundle = Tuple[Dict[str, Any], Dict[str, Any]]
    Printer = Callable[[Any], Optional[Bundle]]

METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_pdf_": "application/pdf",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
    "_repr_javascript_": "application/javascript",
}

#: No class has such a method on purpose; who offers it offers anything (mocks, proxies).
_CANARY = "_wherry_no_object_has_this_method_"


class Formatter:
    """Makes bundles. `report` is told what a rich method raised; the other formats still count."""

    def __init__(self, report: Callable[[BaseException], None]) -> None:
        self._report = report
        #: For values that offer no method themselves, such as figures.
        self.printers: List[Printer] = []

    def bundle(
        self,
        value: Any,
        *,
        include: Optional[Collection[str]] = None,
        exclude: Optional[Collection[str]] = None,
    ) -> Bundle:
        """Return data and metadata. Raises only what the value's plain ``__repr__`` raises."""
        data: Dict[str, Any] = {}
        metadata: Dict[str, Any] = {}
        for more in self._rich(value, include, exclude):
            data.update(more[0])
            metadata.update(more[1])
        if "text/plain" not in data and _wanted("text/plain", include, exclude):
            data["text/plain"] = pretty(value)
        kept = {mime: v for mime, v in data.items() if _wanted(mime, include, exclude)}
        metadata = {key: v for key, v in metadata.items() if key in kept or key not in data}
        return sendable(kept), metadata

    def show_itself(self, value: Any) -> bool:
        """Let a value with ``_ipython_display_`` do its own showing; say whether it did."""
        method = find_method(value, "_ipython_display_")
        if method is None:
            return False
        try:
            method()
        except NotImplementedError:
            return False
        except Exception as error:  # noqa: BLE001 - shown, and the value is not shown twice
            self._report(error)
        return True

    def _rich(
        self,
        value: Any,
        include: Optional[Collection[str]],
        exclude: Optional[Collection[str]],
    ) -> List[Bundle]:
        found = [bundle for bundle in (p(value) for p in self.printers) if bundle]
        # Later ones win: a bundle that the value makes as a whole is its last word.
        for name, mime in METHODS.items():
            method = find_method(value, name) if _wanted(mime, include, exclude) else None
            if method is not None:
                found.append(_single(mime, self._call(method)))
        method = find_method(value, "_repr_mimebundle_")
        if method is not None:
            found.append(_whole(self._call(method, include=include, exclude=exclude)))
        return found

    def _call(self, method: Callable[..., Any], **arguments: Any) -> Any:
        try:
            return method(**arguments)
        except NotImplementedError:
            return None
        except Exception as error:  # noqa: BLE001 - the user's code; the other formats still count
            self._report(error)
            return None


def find_method(value: Any, name: str) -> Optional[Callable[..., Any]]:
    """Return the bound method, None for classes and for objects that answer to any name."""
    # type() cannot be fooled, where isinstance() would ask the value's own __class__.
    if issubclass(type(value), type):
        return None
    try:
        method = getattr(value, name, None)
        if method is None or not callable(method) or hasattr(value, _CANARY):
            return None
    except Exception:  # noqa: BLE001 - a __getattr__ of the user's
        return None
    return method  # type: ignore[no-any-return]


def _single(mime: str, made: Any) -> Bundle:
    if made is None:
        return {}, {}
    if isinstance(made, tuple) and len(made) == 2:  # noqa: PLR2004 - data and metadata
        return {mime: made[0]}, {mime: made[1]} if made[1] else {}
    return {mime: made}, {}


def _whole(made: Any) -> Bundle:
    if isinstance(made, tuple) and len(made) == 2:  # noqa: PLR2004 - data and metadata
        return dict(made[0] or {}), dict(made[1] or {})
    return (dict(made), {}) if isinstance(made, dict) else ({}, {})


def _wanted(
    mime: str, include: Optional[Collection[str]], exclude: Optional[Collection[str]]
) -> bool:
    return (not include or mime in include) and not (exclude and mime in exclude)


def sendable(data: Dict[str, Any]) -> Dict[str, Any]:
    """Return the bundle with base64 text for bytes."""
    return {mime: _text(value) for mime, value in data.items()}


def _text(value: Any) -> Any:
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return value
    import binascii

    return binascii.b2a_base64(value, newline=False).decode("ascii")
