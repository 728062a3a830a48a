"""Attributes of `self` that nothing sets."""

from __future__ import annotations

import ast
import difflib
import re
from collections.abc import Iterator

from checks.errors import NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Finding, Location
from checks.rules import Example, Rule
from checks.rules._structure import bases, layers, pairs_of
from checks.source.keras_names import LAYER_ATTRIBUTES
from checks.source.walk import nodes, on_self


def check(port: Port) -> Iterator[Finding]:
    found = layers(port)
    if not found:
        raise NotBegun("no layer yet")
    for pair in found:
        known = _known(port, pair)
        if known is None:
            continue
        text = port.text(pair.path)
        reads: dict[str, list[ast.Attribute]] = {}
        for node in nodes(pair.tensorflow.node):
            name = on_self(node)
            if (
                name
                and isinstance(node, ast.Attribute)
                and isinstance(node.ctx, ast.Load)
                and name not in known
            ):
                reads.setdefault(name, []).append(node)
        for name, places in reads.items():
            # Who holds the layer may set it, and who asks whether it is there knows that it may not be.
            if name.startswith("_") or re.search(rf"""\.{name}\s*(?::[^=\n]+)?=[^=]|["']{name}["']""", text):
                continue
            places.sort(key=lambda node: (node.lineno, node.col_offset))
            near = difflib.get_close_matches(name, sorted(known - LAYER_ATTRIBUTES), n=1, cutoff=0.6)
            yield RULE.finding(
                pair.path,
                places[0].lineno,
                f"Nothing sets self.{name} of {pair.name}, so that this line raises an AttributeError",
                f"Did you mean self.{near[0]}?" if near else "Set it in the constructor.",
                symbol=f"{pair.name}.{name}",
                column=places[0].col_offset + 1,
                locations=[Location(pair.path, node.lineno) for node in places[1:20]],
            )


def _known(port: Port, pair: Pair) -> frozenset[str] | None:
    """What the class and its bases have; None if a base comes from elsewhere, or attributes are set by computed names."""
    names: set[str] = set(LAYER_ATTRIBUTES)
    own = {other.name for other in pairs_of(port)}
    for owner in bases(pair):
        if any(
            base not in own and not base.endswith("keras.layers.Layer") for base in owner.tensorflow.bases
        ):
            return None
        if any(isinstance(n, ast.Name) and n.id in ("setattr", "vars") for n in nodes(owner.tensorflow.node)):
            return None
        names |= owner.tensorflow.attributes
        for node in nodes(owner.tensorflow.node):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                names.add(node.name)
            elif (
                isinstance(node, ast.Attribute)
                and isinstance(node.ctx, (ast.Store, ast.Del))
                and on_self(node)
            ):
                names.add(node.attr)
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
    return frozenset(names)


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="undefined-attributes",
    level="error",
    summary="Every attribute of `self` that a layer reads is set somewhere.",
    why="Python finds out when the line runs, and a line that only some inputs reach may wait for a user to run it.",
    how="Set it in the constructor, or mend the spelling.",
    source="no merged layer has one",
    check=check,
    by_the_way=True,
    examples=(
        Example(
            title="Renamed in one place only",
            path=_TF,
            good="        embeddings = self.LayerNorm(embeddings)\n",
            bad="        embeddings = self.layer_norm(embeddings)\n",
            finds=("embeddings = self.layer_norm(embeddings)",),
        ),
        Example(
            title="Whoever asks whether it is there",
            path=_TF,
            good="        embeddings = self.LayerNorm(embeddings)\n",
            bad='        embeddings = self.LayerNorm(embeddings)\n        if getattr(self, "shade", None) is not None:\n'
            "            embeddings = self.shade(embeddings)\n",
            silent=True,
        ),
    ),
)
