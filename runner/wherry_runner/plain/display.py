"""`display`, `update_display`, `clear_output` and the handle that `display` returns."""

from __future__ import annotations

import os

from wherry_runner.plain.mime import sendable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Collection, Dict, List, Optional, Union

    from wherry_runner.host import Session
    from wherry_runner.plain.mime import Formatter


class Output:
    """One rich output that ``%%capture`` caught."""

    def __init__(self, data: Dict[str, Any], metadata: Dict[str, Any]) -> None:
        self.data = data
        self.metadata = metadata

    def _repr_mimebundle_(self, **_: Any) -> Any:
        return self.data, self.metadata


class Publisher:
    """Sends rich output to the session, or into the innermost capture."""

    def __init__(self, session: Session, formatter: Formatter) -> None:
        self._session = session
        self._formatter = formatter
        #: Open captures, the innermost last.
        self.captures: List[List[Output]] = []

    def publish(
        self,
        data: Dict[str, Any],
        metadata: Optional[Dict[str, Any]] = None,
        *,
        transient: Optional[Dict[str, Any]] = None,
        update: bool = False,
    ) -> None:
        """Send a finished bundle; bytes in it become base64 text."""
        data = sendable(data)
        if self.captures:
            self.captures[-1].append(Output(data, metadata or {}))
        else:
            self._session.display(data, metadata or {}, transient=transient or {}, update=update)

    def display(
        self,
        *objs: Any,
        include: Optional[Collection[str]] = None,
        exclude: Optional[Collection[str]] = None,
        metadata: Optional[Dict[str, Any]] = None,
        transient: Optional[Dict[str, Any]] = None,
        display_id: Union[bool, str, None] = None,
        raw: bool = False,
        clear: bool = False,
        update: bool = False,
    ) -> Optional[DisplayHandle]:
        """Show `objs` in all their formats, one output each.

        With `display_id` (a text, or True for a fresh one) a handle is returned, and what it shows
        can be replaced later. With `raw`, `objs` are MIME bundles already.
        """
        sent = dict(transient or {})
        if display_id:
            sent["display_id"] = os.urandom(16).hex() if display_id is True else display_id
        if update and "display_id" not in sent:
            raise TypeError("display(update=True) needs the display_id of what it replaces")
        if clear:
            self.clear_output(wait=True)
        if not objs and display_id:  # a place for what will come
            objs, raw = ({},), True
        for value in objs:
            if raw:
                self.publish(value, metadata, transient=sent, update=update)
            elif not self._formatter.show_itself(value):
                data, found = self._formatter.bundle(value, include=include, exclude=exclude)
                found.update(metadata or {})
                if data:
                    self.publish(data, found, transient=sent, update=update)
        return DisplayHandle(sent["display_id"], self) if display_id else None

    def update_display(self, obj: Any, *, display_id: str, **arguments: Any) -> None:
        """Replace every output that was shown with `display_id`."""
        self.display(obj, display_id=display_id, **{**arguments, "update": True})

    def clear_output(self, wait: bool = False) -> None:  # noqa: FBT001, FBT002 - IPython's
        """Clear the cell's output, with `wait` only when the next one comes."""
        if self.captures:
            self.captures[-1].clear()
        else:
            self._session.clear(wait=wait)


class DisplayHandle:
    """Replaces what was shown under its `display_id`."""

    def __init__(self, display_id: str, publisher: Publisher) -> None:
        self.display_id = display_id
        self._publisher = publisher

    def __repr__(self) -> str:
        return f"<DisplayHandle display_id={self.display_id}>"

    def display(self, obj: Any, **arguments: Any) -> None:
        """Show `obj` once more, under the same id."""
        self._publisher.display(obj, display_id=self.display_id, **arguments)

    def update(self, obj: Any, **arguments: Any) -> None:
        """Replace what is shown."""
        self._publisher.update_display(obj, display_id=self.display_id, **arguments)
