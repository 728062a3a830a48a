"""Changes that bring something in: a term, a factor, a layer that is not called."""

from __future__ import annotations

import ast
import itertools
import re
from functools import cached_property
from typing import Any, Dict, Iterator, List, Set

from .variant import Maker, Variant

FLAGS = frozenset({"training", "return_dict", "output_attentions", "output_hidden_states", "use_cache"})
"""Arguments that are no values."""


class Statements(Maker):
    """The variants of each statement."""

    def of_statements(self) -> Iterator[Variant]:
        """All of them."""
        yield from self._swapped_layers()
        for statement in self.body:
            if isinstance(statement, (ast.Assign, ast.Return)) and statement.value is not None:
                for variant in self._inserted(statement):
                    variant.rank -= self._suspicious(statement, variant)
                    yield variant

    def _swapped_layers(self) -> Iterator[Variant]:
        uses: Dict[str, List[Any]] = {}
        for node in self.body:
            if (
                isinstance(node, ast.Attribute)
                and node.attr in self.layers
                and getattr(node.value, "id", "") == "self"
            ):
                uses.setdefault(node.attr, []).append(node)
        for one, other in itertools.combinations(uses, 2):
            changes = [self.put(n, f"self.{other}") for n in uses[one]] + [
                self.put(n, f"self.{one}") for n in uses[other]
            ]
            yield Variant("swapped-projections", f"`self.{one}` and `self.{other}` are swapped", changes, 0)

    def _suspicious(self, statement: Any, variant: Variant) -> int:
        """1 where `x = x` does nothing, or the condition above asks for what the change brings in and nothing else reads."""
        value = statement.value
        targets = getattr(statement, "targets", [])
        if isinstance(value, ast.Name) and any(getattr(t, "id", "") == value.id for t in targets):
            return 1
        above = self.parents.get(id(statement))
        asked = (
            {n.id for n in ast.walk(above.test) if isinstance(n, ast.Name)}
            if isinstance(above, ast.If)
            else set()
        )
        return int(any(re.search(rf"\b{name}\b", variant.changes[0][4]) for name in asked & self.unused))

    @cached_property
    def unused(self) -> Set[str]:
        """Variables and arguments from which nothing is computed: they are never read, or only in conditions and messages."""
        idle = {
            id(n)
            for outer in self.body
            if isinstance(outer, (ast.If, ast.IfExp, ast.Raise, ast.Assert, ast.JoinedStr))
            for part in ([outer.test] if isinstance(outer, (ast.If, ast.IfExp)) else [outer])
            for n in ast.walk(part)
        }
        read = {
            n.id
            for n in self.body
            if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load) and id(n) not in idle
        }
        flags = {
            target.id
            for n in self.body
            if isinstance(n, ast.Assign)
            and (
                isinstance(n.value, (ast.Compare, ast.BoolOp))
                or isinstance(getattr(n.value, "value", None), bool)
            )
            for target in n.targets
            if isinstance(target, ast.Name)
        }
        return set(self.locals) - read - FLAGS - flags

    @cached_property
    def unread(self) -> Set[str]:
        """Those of them that no condition asks for, either."""
        return self.unused - {
            n.id for n in self.body if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)
        }

    def _scaled(self, spot: Any, name: str) -> Iterator[Variant]:
        text = self.text(spot)
        safe = text if self.simple(spot) else f"({text})"
        for sign in "*/":
            why = f"`{sign} {name}` is missing after `{' '.join(text.split())[:60]}`: `{name}` is never used"
            yield self.one("scale", spot, f"{safe} {sign} {name}", 0, why)

    def _transposed(self, spot: Any) -> Iterator[Variant]:
        """Two axes of a tensor that PyTorch's code swaps and this code does not."""
        text = self.text(spot)
        for order in ("0, 2, 1, 3", "0, 2, 1", "0, 2, 3, 1", "0, 3, 1, 2", "1, 0"):
            why = f"`{' '.join(text.split())[:60]}` is not transposed (PyTorch: `({order})`)"
            yield self.one("transpose", spot, f"tf.transpose({text}, perm=[{order}])", 3, why)

    def _inserted(self, statement: Any) -> Iterator[Variant]:
        value = statement.value
        if isinstance(value, (ast.Tuple, ast.Constant)) or (
            isinstance(statement, ast.Assign) and not isinstance(statement.targets[0], ast.Name)
        ):
            return
        if isinstance(value, (ast.Name, ast.Call, ast.BinOp)):
            yield from self._transposed(value)
        text = self.text(value)
        whole = text if self.simple(value) else f"({text})"
        used = {
            n.attr for n in self.body if isinstance(n, ast.Attribute) and getattr(n.value, "id", "") == "self"
        }
        for layer in self.layers:
            if layer not in used:
                yield self.one(
                    "skipped-operation",
                    value,
                    f"self.{layer}({text})",
                    0,
                    f"`self.{layer}` is made but never called",
                )
        spots = [value]
        if isinstance(value, ast.Call):
            spots += [a for a in value.args if isinstance(a, (ast.Name, ast.Call, ast.BinOp))][:1]
            spots += [
                k.value
                for k in value.keywords
                if isinstance(k.value, (ast.Name, ast.Call, ast.BinOp)) and k.arg != "training"
            ][:1]
        for spot in spots:
            inner = self.text(spot)
            safe = inner if self.simple(spot) else f"({inner})"
            # Adding what is in the sum already is only another way to double it.
            names = {n.id for n in ast.walk(spot) if isinstance(n, ast.Name)}
            for name in self.locals:
                if name not in FLAGS and name not in names:
                    unused = name in self.unused
                    if name in self.unread and "mask" not in name:
                        yield from self._scaled(spot, name)
                    yield self.one(
                        "missing-term",
                        spot,
                        f"{inner} + {name}",
                        0 if name in self.unread else 1 if unused else 2,
                        f"`+ {name}` (a residual) is missing after `{' '.join(inner.split())[:60]}`",
                    )
            for name, _ in self.numbers:
                unused = (
                    3 if name not in used and re.search("scal|factor|offset|temperature|sqrt", name) else 0
                )
                for factor, words in (
                    (f"self.{name}", f"self.{name}"),
                    (f"(self.{name} ** 0.5)", f"sqrt(self.{name})"),
                ):
                    for sign in "*/":
                        yield self.one(
                            "scale",
                            spot,
                            f"{safe} {sign} {factor}",
                            3 - unused,
                            f"`{sign} {words}` is missing after `{' '.join(inner.split())[:60]}`",
                        )
            for offset in ("+ 1", "- 1", "+ 2"):
                yield self.one(
                    "offset",
                    spot,
                    f"{safe} {offset}",
                    3,
                    f"`{offset}` is missing after `{' '.join(inner.split())[:60]}`",
                )
            yield self.one("sign", spot, f"1.0 - {safe}", 3)
        if isinstance(statement, ast.Assign):
            target = statement.targets[0].id
            names = [n for n in used if n in self.layers]
            for layer in names:
                yield self.one(
                    "skipped-operation",
                    value,
                    f"self.{layer}({whole})",
                    4,
                    f"`self.{layer}` is skipped for `{target}`",
                )
