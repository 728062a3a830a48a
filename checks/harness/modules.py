"""Finds classes and test modules of a port in the tree that is mounted."""

from __future__ import annotations

import importlib
import traceback
from typing import Any, Dict, List, Optional


def find_class(name: str, module: Optional[str] = None) -> Any:
    """A class by name: of `module` if that has it, else of transformers itself.

    Raises:
        AttributeError: nobody has it.
    """
    import transformers

    if module:
        try:
            found = getattr(importlib.import_module(module), name, None)
        except ImportError:
            found = None
        if found is not None:
            return found
    return getattr(transformers, name)


def explain(error: BaseException, root: str = "") -> Dict[str, Any]:
    """An exception as data: type, message, and where in the tree it came from, innermost last."""
    message = str(error) or type(error).__name__
    frames: List[Dict[str, Any]] = []
    for frame in traceback.extract_tb(error.__traceback__):
        path = frame.filename
        if root and path.startswith(root + "/"):
            frames.append({"path": path[len(root) + 1 :], "line": frame.lineno, "function": frame.name})
    return {"type": type(error).__name__, "message": message[:2000], "frames": frames[-30:]}
