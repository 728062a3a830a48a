"""What a process need not import: half of its start would be the other library, and tests that are not run."""

from __future__ import annotations

import sys
import types
from typing import Any

PIPELINES = "tests.test_pipeline_mixin"


def hide(*names: str) -> None:
    """Makes packages look as if they were not installed, unless they are imported already."""
    for name in names:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]


def leave_out_pipelines() -> None:
    """The mixin with the tests of pipelines, which imports all of them; a case of a model needs nothing of it."""

    class PipelineTesterMixin:
        pipeline_model_mapping: Any = None

    stub = types.ModuleType(PIPELINES)
    stub.PipelineTesterMixin = PipelineTesterMixin  # type: ignore[attr-defined]
    sys.modules.setdefault(PIPELINES, stub)
