"""The exceptions that upstream's `utils/check_repo.py` lists, as the head has them (a pull request may add to them)."""

from __future__ import annotations

import re
from functools import lru_cache

from checks.port import Port

CHECK_REPO = "utils/check_repo.py"

BUILDING_BLOCKS = ("Encoder", "Decoder", "Layer", "Embeddings", "Attention")
"""Upstream asks for no test, documentation or auto class of a class that is named so."""

# No further than the next line that begins as a list does: a thousand lists that nobody closes would be read a thousand times.
_LIST = re.compile(r"^([A-Z_]+) = (?=[\[(P])(.*\n(?:(?![\])A-Z_]).*\n)*+)[\])]", re.MULTILINE)
_NAME = re.compile(r"^ +[\"']([\w./-]+)[\"'],?[ \t]*(?:#.*)?$", re.MULTILINE)


def listed(port: Port, name: str) -> frozenset[str]:
    """Names in a list of the script, those in `PRIVATE_MODELS` included; none where there is no such script."""
    lists = _lists(port.text(CHECK_REPO))
    return lists.get(name, frozenset()) | lists.get("PRIVATE_MODELS", frozenset())


@lru_cache(maxsize=8)
def _lists(text: str) -> dict[str, frozenset[str]]:
    return {m[1]: frozenset(_NAME.findall(m[2])) for m in _LIST.finditer(text)}
