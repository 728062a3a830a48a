"""Stand-in for `bot.convert`: no sandbox and neither framework. The checkpoint's name says how far the models are apart."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bot import convert
from checks.errors import UserError
from checks.execution.convert import HDF5, Conversion
from checks.snapshot import GitSnapshot
from tests.hub import SHA

CONTENT = HDF5 + b"weights" * 1000


def cheap(
    base: GitSnapshot,
    head: GitSnapshot,
    checkpoint: str,
    folder: Path,
    *,
    progress: Callable[[str], None],
    **_: Any,
) -> Conversion:
    assert not {name for name in os.environ if name.startswith("TFPORT_") and "TOKEN" in name}
    assert "TFPORT_PRIVATE_KEY" not in os.environ
    port = head.read("src/transformers/models/brand_new_bert/modeling_tf_brand_new_bert.py")
    if port is None:
        raise UserError("there is no TFBrandNewBertModel", hint="is it the right branch?")
    progress("converting")
    if "slow" in checkpoint:
        time.sleep(600)
    (folder / "tf_model.h5").write_bytes(CONTENT)
    error = 3e-4 if "squad" in checkpoint else 2e-6
    hidden = {"hidden_states_1": error / 2}
    files = (folder / "tf_model.h5",)
    return Conversion(
        checkpoint, "TFBrandNewBertModel", {"logits": error}, hidden, {"logits": error}, files, SHA
    )


if __name__ == "__main__":
    convert.convert_checkpoint = cheap  # type: ignore[assignment]
    convert.main()
