"""Which lines of a few files run. Python's own tracer is asked for functions of these files only, so that TensorFlow stays fast."""

from __future__ import annotations

import os
import sys
from typing import Any, Dict, List, Sequence, Set


class Lines:
    """A context in which lines are noted; it may be entered again and again.

    Args:
        files: paths in the tree, as the trusted side names them.
        root: of the tree.
    """

    def __init__(self, files: Sequence[str], root: str) -> None:
        self._files = {os.path.realpath(os.path.join(root, path)): path for path in files}
        self._wanted: Dict[str, Set[int]] = {}
        self._skipped: Set[str] = set()

    def __enter__(self) -> Lines:
        self._before = sys.gettrace()
        if self._files:
            sys.settrace(self._call)
        return self

    def __exit__(self, *_: Any) -> None:
        sys.settrace(self._before)

    def told(self) -> Dict[str, List[int]]:
        """The lines that ran so far, by path."""
        found: Dict[str, Set[int]] = {}
        for name, lines in self._wanted.items():
            found.setdefault(self._files[os.path.realpath(name)], set()).update(lines)
        return {path: sorted(lines) for path, lines in found.items()}

    def _call(self, frame: Any, event: str, _: Any) -> Any:
        name = frame.f_code.co_filename
        lines = self._wanted.get(name)
        if lines is None:
            if name in self._skipped:
                return None
            if os.path.realpath(name) not in self._files:
                self._skipped.add(name)
                return None
            lines = self._wanted[name] = set()

        def line(frame: Any, event: str, _: Any) -> Any:
            if event == "line":
                lines.add(frame.f_lineno)
            return line

        return line
