"""Token ids are checked before they are looked up."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.conventions import SOURCE, read
from checks.edits import import_name, insert
from checks.errors import NotApplicable, NotBegun
from checks.pairs import Pair
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._structure import bases, pairs_of
from checks.source.python import dotted
from checks.source.walk import Function, calls, nodes, on_self, parameters

_HELPER = "check_embeddings_within_bounds"


def check(port: Port) -> Iterator[Finding]:
    helper = f"def {_HELPER}" in read(port.base, f"{SOURCE}/tf_utils.py")
    if not helper and not _asserts(port):
        raise NotApplicable("the base does not check the range of token ids")
    seen = False
    for pair in pairs_of(port):
        call = pair.tensorflow.method("call")
        if call is None or "input_ids" not in parameters(call):
            continue
        looked_up = _lookup(pair, call)
        if looked_up is None:
            continue
        seen = True
        if any(_is_checked(node) for node in nodes(call)):
            continue
        yield RULE.finding(
            pair.path,
            looked_up.lineno,
            f"{pair.name}.call looks up input_ids without checking their range",
            f"Call {_HELPER}(input_ids, self.config.vocab_size) before."
            if helper
            else "Put a tf.debugging.assert_less before it, as the other models do.",
            symbol=f"{pair.name}.call",
            edits=_edits(port, pair, looked_up) if helper else (),
        )
    if not seen:
        raise NotBegun("no token embeddings")


def _asserts(port: Port) -> bool:
    text = read(port.base, f"{SOURCE}/models/bert/modeling_tf_bert.py")
    return "tf.debugging.assert_less(\n" in text


def _lookup(pair: Pair, call: Function) -> ast.stmt | None:
    """The statement that looks input_ids up in an embedding."""
    embeddings = {
        layer.attribute
        for layer in pair.tensorflow.layers
        if layer.short in ("Embedding", "TFSharedEmbeddings")
    }
    embeddings |= {
        name for name in ("embed_tokens", "shared", "word_embeddings") if name in _attributes(pair)
    }
    for node in calls(call):
        if on_self(node.func) not in embeddings and dotted(node.func) != "tf.gather":
            continue
        given = [*node.args, *(keyword.value for keyword in node.keywords)]
        if any(isinstance(argument, ast.Name) and argument.id == "input_ids" for argument in given):
            return _statement(call, node)
    return None


def _statement(call: Function, inner: ast.Call) -> ast.stmt | None:
    """The innermost statement around a node."""
    around = [
        node
        for node in nodes(call)
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.Return, ast.Expr))
        and node.lineno <= inner.lineno <= (node.end_lineno or 0)
    ]
    return around[-1] if around else None


def _attributes(pair: Pair) -> set[str]:
    return {name for owner in bases(pair) for name in owner.tensorflow.attributes}


def _is_checked(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = dotted(node.func).rsplit(".", 1)[-1]
    return name == _HELPER or name.startswith("assert_less")


def _edits(port: Port, pair: Pair, statement: ast.stmt) -> tuple[Edit, ...]:
    if "config" not in _attributes(pair) or "vocab_size" not in port.text(pair.path):
        return ()
    text = port.text(pair.path)
    line = f"{' ' * statement.col_offset}{_HELPER}(input_ids, self.config.vocab_size)\n"
    return (
        insert(pair.path, statement.lineno, line),
        *import_name(pair.path, text, pair.module.facts, "...tf_utils", _HELPER),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="embedding-range",
    level="warning",
    summary="A `call` that looks `input_ids` up checks first that they are within the vocabulary.",
    why="On a GPU, TensorFlow returns zeros for ids that are out of range, without an error; PyTorch raises one.",
    how="`check_embeddings_within_bounds(input_ids, self.config.vocab_size)`.",
    since="4.23 (1b5ab39cf); the helper since 4.30 (cf9e7cb07)",
    check=check,
    examples=(
        Example(
            title="Not checked",
            path=_TF,
            good="        check_embeddings_within_bounds(input_ids, self.config.vocab_size)\n",
            bad="",
            finds=("embeddings = tf.gather(params=self.weight, indices=input_ids) * self.glow",),
            fixed=True,
        ),
    ),
)
