"""The matplotlib backend of the plain shell; matplotlib imports it by name."""

from __future__ import annotations

from matplotlib.backend_bases import FigureManagerBase, _Backend
from matplotlib.backends.backend_agg import FigureCanvasAgg

from wherry_runner.plain import figures

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class InlineManager(FigureManagerBase):
    """Shows its figure where ``fig.show()`` is called."""

    def show(self) -> None:
        if figures.current is not None:
            figures.current.show(self.canvas.figure)

    @classmethod
    def pyplot_show(cls, *, block: Any = None) -> None:
        del block  # there is no window to wait for
        if figures.current is not None:
            figures.current.flush()


class InlineCanvas(FigureCanvasAgg):
    """Draws with Agg."""

    manager_class = InlineManager


@_Backend.export
class _InlineBackend(_Backend):
    FigureCanvas = InlineCanvas
    FigureManager = InlineManager

    @staticmethod
    def show(*_: Any, **__: Any) -> None:
        InlineManager.pyplot_show()
