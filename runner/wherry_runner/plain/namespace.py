"""The user's names: the ``__main__`` module and the history variables in it."""

from __future__ import annotations

import builtins
import os
import sys
from types import ModuleType

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

#: How many results ``Out`` keeps before the oldest fifth of them goes, as in IPython.
RESULTS = 1000

_MISSING = object()


class Namespace:
    """Owns ``__main__``.

    The module has neither ``__file__`` nor ``__spec__``: so the spawn method of multiprocessing
    does not try to import it, and pickle finds classes of cells by name.
    """

    def __init__(self) -> None:
        self.module = ModuleType("__main__", "Names that cells have defined.")
        #: User code may put keys of any type here, through globals().
        self.names: Dict[Any, Any] = self.module.__dict__
        self.inputs: List[str] = [""]
        self.outputs: Dict[int, Any] = {}
        self.folders: List[str] = [_folder()]
        self._recent: List[Any] = ["", "", ""]
        self._publish()
        self._own = frozenset(self.names)
        sys.modules["__main__"] = self.module

    def _publish(self) -> None:
        self.names.update(
            In=self.inputs,
            Out=self.outputs,
            _ih=self.inputs,
            _oh=self.outputs,
            _dh=self.folders,
            __builtins__=builtins,
        )
        for name in ("_", "__", "___", "_i", "_ii", "_iii"):
            self.names[name] = ""

    def repair(self) -> None:
        """Bring back what no cell can do without, before a cell runs."""
        self.names["__builtins__"] = builtins
        self.names.setdefault("In", self.inputs)
        self.names.setdefault("Out", self.outputs)

    def keep_input(self, count: int, code: str) -> None:
        """Store a cell's text as ``In[count]``, ``_i``, ``_ii``, ``_iii`` and ``_i<count>``."""
        names, inputs = self.names, self.inputs
        previous = inputs[-1] if inputs else ""
        # Numbers go on after a restart, so a fresh list may have to grow to them.
        inputs.extend("" for _ in range(len(inputs), count))
        inputs[count:] = [code]
        names["_iii"], names["_ii"], names["_i"] = names.get("_ii"), names.get("_i"), previous
        names[f"_i{count}"] = code

    def keep_output(self, count: int, value: Any) -> None:
        """Store a result as ``Out[count]``, ``_<count>``, and in ``_ __ ___`` unless taken."""
        if value is self.outputs:  # a list of all results that held itself would never die
            return
        if len(self.outputs) >= RESULTS:
            self._drop_oldest()
        self.outputs[count] = value
        self.names[f"_{count}"] = value
        if self._underscores_are_ours():
            self._recent = [value, *self._recent[:2]]
            self.names.update(zip(("_", "__", "___"), self._recent))

    def _underscores_are_ours(self) -> bool:
        """Somebody's own ``_`` (gettext, a loop) is left alone; compared without ``==``."""
        if hasattr(builtins, "_"):
            return False
        present = (self.names.get(name, _MISSING) for name in ("_", "__", "___"))
        return all(
            value is _MISSING or value is recent for value, recent in zip(present, self._recent)
        )

    def _drop_oldest(self) -> None:
        for count in list(self.outputs)[: RESULTS // 5]:
            del self.outputs[count]
            self.names.pop(f"_{count}", None)

    def user_names(self) -> List[str]:
        """Return the names that the user has defined, sorted, without private ones."""
        return sorted(
            name
            for name in list(self.names)
            if isinstance(name, str) and not name.startswith("_") and name not in self._own
        )

    def reset(self) -> None:
        """Forget all names and results; the inputs stay."""
        keep = {name: value for name, value in self.names.items() if name in _MODULE_NAMES}
        self.names.clear()
        self.names.update(keep)
        self.outputs.clear()
        self._recent = ["", "", ""]
        self._publish()


#: What every module has; the rest is the user's.
_MODULE_NAMES = frozenset(ModuleType("").__dict__)


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""
