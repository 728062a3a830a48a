"""The code under `# Copied from` is what the comment says."""

from __future__ import annotations

from collections.abc import Iterator

from checks.errors import NotApplicable
from checks.port import Port
from checks.report import Edit, Finding, Location
from checks.rules import Example, Rule
from checks.rules._copies import Copy, copies, in_base, restored
from checks.rules._copy_repair import misspelt

_SHORT = 12
"""Lines that an edit puts back. What differs in more was changed on purpose."""


def check(port: Port) -> Iterator[Finding]:
    found = copies(port)
    if not found:
        raise NotApplicable("nothing says that it is copied")
    for copy in found:
        if copy.changes and misspelt(port, copy) is None:
            yield _finding(port, copy)


def _finding(port: Port, copy: Copy) -> Finding:
    assert copy.block is not None
    first, rest = copy.changes[0], copy.changes[1:]
    name = copy.block.lines[0].split("(")[0].split(":")[0].split()[-1]
    original = copy.origin.names[-1] if len(copy.origin.names) == 1 else ".".join(copy.origin.names)
    edits = _edits(copy)
    place = f"{copy.origin.path}:{copy.origin.block.first if copy.origin.block else 1}"
    undo = "Restore the original" if edits else "Restore the original (make fix-copies does it)"
    last = max(first.first, first.last)
    return RULE.finding(
        copy.path,
        min(first.first, port.text(copy.path).count("\n") + 1),
        f"{name} says that it is copied from {original}, but differs from it{_count(copy)}",
        f"{undo}, or if the difference is meant, write # Adapted from instead: {in_base(port)} compares it with {place}.",
        symbol=name,
        end_line=min(last, copy.block.last),
        edits=edits,
        locations=[Location(copy.path, change.first) for change in rest[:20]],
    )


def _edits(copy: Copy) -> tuple[Edit, ...]:
    lines = sum(max(len(change.lines), change.last - change.first + 1) for change in copy.changes)
    if lines > _SHORT:
        return ()
    return tuple(restored(copy.path, change) for change in copy.changes)


def _count(copy: Copy) -> str:
    return f" in {len(copy.changes)} places" if len(copy.changes) > 1 else ""


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="copied-from-content",
    level="error",
    summary="What stands under `# Copied from` is the original, after its replacements.",
    why=(
        "`make fix-copies` overwrites a copy by its original whenever anybody runs it, and `make repo-consistency` fails for everybody as "
        "long as the two differ."
    ),
    how=(
        "Put back what differs, add a replacement (`with Bert->Lantern`) if only names differ, or write `# Adapted from` instead, which "
        "nothing compares."
    ),
    guide="Step 4, checklist: code that is copied says so by # Copied from.",
    source="upstream utils/check_copies.py",
    check=check,
    by_the_way=True,
    examples=(
        Example(
            title="A line of a copy was changed",
            path=_TF,
            good="        hidden_states = self.LayerNorm(inputs=hidden_states + input_tensor)\n",
            bad="        hidden_states = self.LayerNorm(inputs=input_tensor + hidden_states)\n",
            finds=("hidden_states = self.LayerNorm(inputs=input_tensor + hidden_states)",),
            fixed=True,
        ),
        Example(
            title="A line of a copy is missing",
            path=_TF,
            good="        hidden_states = self.LayerNorm(inputs=hidden_states + input_tensor)\n\n        return",
            bad="        hidden_states = self.LayerNorm(inputs=hidden_states + input_tensor)\n        hidden_states = tf.identity(hidden_states)\n\n        return",
            finds=("hidden_states = tf.identity(hidden_states)",),
            fixed=True,
        ),
        Example(
            title="Only the layout differs",
            path=_TF,
            good='        self.LayerNorm = keras.layers.LayerNormalization(epsilon=config.layer_norm_eps, name="LayerNorm")\n        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)\n        self.config',
            bad='        self.LayerNorm = keras.layers.LayerNormalization(\n            epsilon=config.layer_norm_eps, name="LayerNorm"\n        )\n        self.dropout = keras.layers.Dropout(rate=config.hidden_dropout_prob)\n        self.config',
            silent=True,
        ),
    ),
)
