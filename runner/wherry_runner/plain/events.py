"""Callbacks around cells: ``get_ipython().events``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List

NAMES = ("pre_execute", "pre_run_cell", "post_run_cell", "post_execute")


class CellInfo:
    """What ``pre_run_cell`` is told."""

    def __init__(self, raw_cell: str, *, store_history: bool, silent: bool) -> None:
        self.raw_cell = raw_cell
        self.store_history = store_history
        self.silent = silent
        self.shell_futures = True


class CellResult:
    """What ``post_run_cell`` is told, and what ``get_ipython().run_cell`` returns."""

    def __init__(self, info: CellInfo, execution_count: int) -> None:
        self.info = info
        self.execution_count = execution_count
        self.result: Any = None
        self.error_before_exec: Any = None
        self.error_in_exec: Any = None

    @property
    def success(self) -> bool:
        return self.error_before_exec is None and self.error_in_exec is None

    def raise_error(self) -> None:
        """Raise what ended the cell, if something did."""
        if self.error_in_exec is not None:
            raise self.error_in_exec

    def __repr__(self) -> str:
        return f"<CellResult success={self.success} result={self.result!r}>"


class Events:
    """Registered callbacks. What one raises is reported and the others still run."""

    def __init__(self, report: Callable[[BaseException], None]) -> None:
        self._report = report
        self.callbacks: Dict[str, List[Callable[..., Any]]] = {name: [] for name in NAMES}

    def register(self, event: str, function: Callable[..., Any]) -> None:
        """Call `function` at each `event`; registering it twice changes nothing."""
        if not callable(function):
            raise TypeError(f"expected a function, found {type(function).__name__}")
        functions = self._functions(event)
        if function not in functions:
            functions.append(function)

    def unregister(self, event: str, function: Callable[..., Any]) -> None:
        """Forget `function`. Raises ValueError when it was not registered."""
        functions = self._functions(event)
        if function not in functions:
            raise ValueError(f"{function!r} is not registered for {event}")
        functions.remove(function)

    def trigger(self, event: str, *arguments: Any) -> None:
        """Call the functions of `event`; those of ``*_run_cell`` are given one argument."""
        for function in list(self.callbacks[event]):
            try:
                _call(function, arguments)
            except Exception as error:  # noqa: BLE001 - the user's; a callback must not end a cell
                self._report(error)

    def _functions(self, event: str) -> List[Callable[..., Any]]:
        if event not in self.callbacks:
            raise KeyError(f"no event {event!r}; there are {', '.join(NAMES)}")
        return self.callbacks[event]


def _call(function: Callable[..., Any], arguments: Any) -> None:
    """Old callbacks take nothing; they are called without what they do not take."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    bound = hasattr(function, "__self__")
    if arguments and code is not None and code.co_argcount <= bound and not code.co_flags & 0x04:
        arguments = ()
    function(*arguments)
