"""`tf.nn.depth_to_space` in the place of PixelShuffle."""

from __future__ import annotations

from collections.abc import Iterator

from checks.layer_pairs import pairing
from checks.port import Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.source.calls import calls


def check(port: Port) -> Iterator[Finding]:
    for pair in pairing(port).mentioning("depth_to_space"):
        made = calls(pair.tensorflow.node)
        sorts = any(call.short == "gather" for call in made)
        for call in made:
            if call.short == "depth_to_space" and not sorts:
                yield RULE.finding(
                    pair.path,
                    call.line,
                    f"{pair.name}: depth_to_space takes the channels in another order than PyTorch's PixelShuffle",
                    "Sort the channels first, as TFSwinPixelShuffle and TFDeitPixelShuffle do "
                    "(src/transformers/models/swin/modeling_tf_swin.py), and say so: # Copied from.",
                    symbol=f"{pair.name}.{call.method}",
                )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"

RULE = Rule(
    slug="pixel-shuffle",
    level="error",
    summary="PixelShuffle keeps PyTorch's order of channels.",
    why="`tf.nn.depth_to_space` has the same shapes as `nn.PixelShuffle` and puts the channels elsewhere: the picture is scrambled.",
    how="Copy TFSwinPixelShuffle, which sorts the channels by `tf.gather` before it calls `depth_to_space`.",
    source="measured with TensorFlow 2.15",
    check=check,
    examples=(
        Example(
            title="The bare function",
            path=_TF,
            good='return tf.image.resize(pixel_values, size=size, method="bilinear")',
            bad='return tf.image.resize(tf.nn.depth_to_space(pixel_values, 2), size=size, method="bilinear")',
            finds=(
                'return tf.image.resize(tf.nn.depth_to_space(pixel_values, 2), size=size, method="bilinear")',
            ),
        ),
    ),
)
