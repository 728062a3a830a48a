"""The main layer's name is the model's prefix."""

from __future__ import annotations

from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.pairs import Pair, twin_name
from checks.port import Port
from checks.report import Edit, Finding
from checks.rules import Example, Rule
from checks.rules._structure import models, pairs_of, prefix
from checks.source.layers import Layer


def check(port: Port) -> Iterator[Finding]:
    mains = {pair.name for pair in pairs_of(port) if pair.name.endswith("MainLayer")}
    if not mains:
        raise NotBegun("there is no TF…MainLayer")
    for pair in models(port):
        wanted = prefix(pair)
        held = [
            layer for layer in pair.tensorflow.layers if layer.short in mains and layer.held == "attribute"
        ]
        # Where a model holds two (an encoder and a decoder), they have names of their own.
        if len(held) != 1 or not wanted or held[0].name == "":
            continue
        layer = held[0]
        if layer.name in pair.pytorch_attributes and not _is_bare(pair, layer):
            continue  # the encoder alone, under the name that PyTorch gives it there
        if layer.name == wanted:
            if layer.attribute != wanted and layer.attribute not in pair.pytorch_attributes:
                yield RULE.finding(
                    pair.path,
                    layer.line,
                    f"{pair.name} keeps the main layer as self.{layer.attribute}, but base_model_prefix is {wanted!r}",
                    f"Call the attribute self.{wanted}: the library finds the base model by the prefix.",
                    symbol=pair.name,
                    level="warning",
                )
            continue
        said = f"named {layer.name!r}" if layer.name else "made without a name"
        yield RULE.finding(
            pair.path,
            layer.line,
            f"In {pair.name} the main layer is {said}, but base_model_prefix is {wanted!r}",
            f'Give it name="{wanted}", or no weight of a checkpoint is found.',
            symbol=pair.name,
            edits=_edits(port, pair, layer, wanted),
        )


def _is_bare(pair: Pair, layer: Layer) -> bool:
    """The model that is nothing but the main layer; its twin's attributes are the main layer's."""
    return pair.twin is not None and twin_name(layer.short) == pair.twin.name


def _edits(port: Port, pair: Pair, layer: Layer, wanted: str) -> tuple[Edit, ...]:
    given = layer.argument("name")
    lines = port.text(pair.path).split("\n")
    if given is not None:
        old = lines[given.lineno - 1]
        if not old.isascii() or given.end_lineno != given.lineno or given.end_col_offset is None:
            return ()
        literal = old[given.col_offset : given.end_col_offset]
        return (replace(pair.path, given.lineno, given.col_offset + 1, literal, f'"{wanted}"'),)
    column = layer.call.end_col_offset
    if layer.call.end_lineno != layer.line or column is None or not lines[layer.line - 1].isascii():
        return ()
    return (
        Edit(
            pair.path,
            (layer.line, column),
            (layer.line, column),
            f'{", " if layer.call.args else ""}name="{wanted}"',
        ),
    )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_HELD = """\
        self.lantern = TFLanternMainLayer(config, name="lantern")
        self.dropout"""

RULE = Rule(
    slug="main-layer-name",
    level="error",
    summary="Models make the main layer under the name `base_model_prefix`.",
    why=(
        "The weight `lantern.embeddings.LayerNorm.weight` of a PyTorch checkpoint is looked for below a layer that is called `lantern`. "
        "With another name, or none, every weight of the base model is newly initialised."
    ),
    how='`self.lantern = TFLanternMainLayer(config, name="lantern")`.',
    guide="Step 4: names of layers are those of the PyTorch attributes.",
    check=check,
    examples=(
        Example(
            title="Another name",
            path=_TF,
            good=_HELD,
            bad=_HELD.replace('"lantern"', '"lantern_main"'),
            finds=('self.lantern = TFLanternMainLayer(config, name="lantern_main")',),
            fixed=True,
        ),
        Example(
            title="No name",
            path=_TF,
            good=_HELD,
            bad=_HELD.replace(', name="lantern"', ""),
            finds=("self.lantern = TFLanternMainLayer(config)",),
            fixed=True,
        ),
    ),
)
