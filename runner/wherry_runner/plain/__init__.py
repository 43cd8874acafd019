"""The shell for interpreters without IPython: `PlainHost`, as the worker sees it.

Reading order: `host` (one execution), `cells` and `transform` (source to code), `mime` and
`display` (values shown), `tracebacks`, `magics`, then `completion` and `inspection`, which run
beside user code. What only some cells need (magics, figures, completion) is imported when a cell
needs it.
"""

from __future__ import annotations

from wherry_runner.plain.host import PlainHost

__all__ = ["PlainHost"]
