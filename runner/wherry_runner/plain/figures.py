"""matplotlib figures in the notebook: shown at the end of the cell, or where `show` is called.

matplotlib is never imported from here. When user code imports pyplot, the backend is set just
before, in this process only: the environment says ``agg``, so that child processes, which do not
have our modules, draw without a screen too.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Set, Tuple

    from wherry_runner.plain.display import Publisher

BACKEND = "module://wherry_runner.plain.inline_backend"

#: Small enough for a page, as notebooks have always shown figures; ``retina`` doubles it.
DPI = 72

FORMATS = {
    "png": "image/png",
    "retina": "image/png",
    "jpeg": "image/jpeg",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}

#: The instance that `inline_backend` finds, as matplotlib imports it by name.
current: Optional[Figures] = None


class Figures:
    """Shows figures as long as `inline` holds."""

    def __init__(self, publisher: Publisher, report: Callable[[BaseException], None]) -> None:
        global current  # noqa: PLW0603 - see `current`
        current = self
        self._publisher = publisher
        self._report = report
        #: Figures that the running cell has shown by value: the end of the cell skips them.
        self._shown: Set[int] = set()
        self.formats: List[str] = ["png"]
        self.inline = _claim_environment()
        if self.inline:
            sys.meta_path.insert(0, _PyplotWatch())

    def use_inline(self, *, inline: bool) -> None:
        """Switch between showing figures and leaving them alone; pyplot may be imported or not."""
        self.inline = inline
        os.environ["MPLBACKEND"] = "agg"
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].switch_backend(BACKEND if inline else "agg")
        elif inline and not any(isinstance(finder, _PyplotWatch) for finder in sys.meta_path):
            sys.meta_path.insert(0, _PyplotWatch())

    def flush(self) -> None:
        """Show all figures of pyplot that were not shown yet, and close them."""
        shown, self._shown = self._shown, set()
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is None or not self._is_ours():
            return
        managers = sys.modules["matplotlib._pylab_helpers"].Gcf.get_all_fig_managers()
        try:
            for manager in managers:
                figure = manager.canvas.figure
                if id(figure) not in shown:
                    self.show(figure)
        finally:
            if managers:
                pyplot.close("all")
            self._shown = set()

    def show(self, figure: Any) -> None:
        """Show one figure now."""
        try:
            bundle = self.bundle(figure)
        except Exception as error:  # noqa: BLE001 - drawing runs the user's artists
            self._report(error)
            return
        if bundle is not None and bundle[0]:
            data, metadata = bundle
            data["text/plain"] = repr(figure)
            self._publisher.publish(data, metadata)

    def bundle(self, value: Any) -> Optional[Tuple[Dict[str, Any], Dict[str, Any]]]:
        """Draw `value` if it is a figure; an empty one has no picture."""
        module = sys.modules.get("matplotlib.figure")
        figure_class = getattr(module, "Figure", None)
        if figure_class is None or not issubclass(type(value), figure_class):
            return None
        self._shown.add(id(value))
        if not (value.axes or value.lines or value.texts or value.images):
            return {}, {}
        return self._drawn(value)

    def _drawn(self, figure: Any) -> Tuple[Dict[str, Any], Dict[str, Any]]:
        data: Dict[str, Any] = {}
        metadata: Dict[str, Any] = {}
        for name in self.formats:
            picture = _picture(figure, name)
            mime = FORMATS[name]
            data[mime] = picture.decode() if name == "svg" else picture
            if name == "retina":
                width, height = (int.from_bytes(picture[at : at + 4], "big") for at in (16, 20))
                metadata[mime] = {"width": width // 2, "height": height // 2}
        return data, metadata

    def _is_ours(self) -> bool:
        matplotlib: Any = sys.modules["matplotlib"]
        return self.inline and str(matplotlib.get_backend()).lower() == BACKEND


class _PyplotWatch:
    """A finder that finds nothing: it is asked about pyplot just before pyplot is imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        del path, target
        if name == "matplotlib.pyplot" and current is not None and current.inline:
            _prepare(sys.modules["matplotlib"])


def _prepare(matplotlib: Any) -> None:
    """Make our backend the one of this process, unless user code chose another."""
    parameters = matplotlib.rcParams
    if str(dict.get(parameters, "backend")).lower() != "agg":
        return
    matplotlib.use(BACKEND)
    if parameters["figure.dpi"] == matplotlib.rcParamsDefault["figure.dpi"]:
        parameters["figure.dpi"] = DPI


def _claim_environment() -> bool:
    """Return whether figures are to be inline: not when somebody chose a backend for this process.

    A ``module://`` one was inherited from another kernel and needs IPython, which is not here.
    """
    chosen = os.environ.get("MPLBACKEND", "").lower()
    if chosen in ("", "agg", "inline") or chosen.startswith("module://"):
        os.environ["MPLBACKEND"] = "agg"
        return True
    return False


def _picture(figure: Any, name: str) -> bytes:
    import io

    file = io.BytesIO()
    figure.canvas.print_figure(
        file,
        format="png" if name == "retina" else name,
        dpi=figure.dpi * 2 if name == "retina" else figure.dpi,
        facecolor=figure.get_facecolor(),
        edgecolor=figure.get_edgecolor(),
        bbox_inches="tight",
    )
    return file.getvalue()
