"""Rules about what only a change on both sides shows: the sample's PyTorch model gets something, and its port something else."""

from __future__ import annotations

from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot

TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
PYTORCH = "src/transformers/models/lantern/modeling_lantern.py"

Change = tuple[str, str]


def found(pytorch: Change, tensorflow: Change) -> list[tuple[str, str]]:
    """Rules that say something about the port, and the texts of the lines."""
    theirs = sample.HEAD[PYTORCH].replace(*pytorch)
    ours = sample.HEAD[TF].replace(*tensorflow)
    assert theirs != sample.HEAD[PYTORCH]
    assert ours != sample.HEAD[TF]
    base = DictSnapshot({PYTORCH: theirs}, under=sample.base())
    head = DictSnapshot({PYTORCH: theirs, TF: ours}, under=sample.head())
    lines = ours.split("\n")
    return [(f.rule, lines[f.line - 1].strip()) for f in check(base, head).findings]


_POOLER = "    def __init__(self, config):\n        super().__init__()\n        self.dense = nn.Linear(config.hidden_size, config.hidden_size)\n        self.activation"
_TF_POOLER = "self.dense = keras.layers.Dense("


def test_a_computation_with_the_configuration():
    line = "        self.act = ACT2FN[config.hidden_act]\n"
    scaled = "        self.scale = math.sqrt(config.hidden_size) if config.scale else 1.0\n"
    act = "        self.act = get_tf_activation(config.hidden_act)\n"
    assert found((line, line + scaled), (act, f"{act}        self.scale = 1.0\n")) == [
        ("config-values", "self.scale = 1.0")
    ]


def test_the_same_parameter_and_another_number():
    torch = (
        "class LanternPooler(nn.Module):\n    def __init__(self, config):",
        "class LanternPooler(nn.Module):\n    def __init__(self, config, dim=4):",
    )
    theirs = sample.HEAD[PYTORCH].replace(*torch)
    start = theirs.index("class LanternPooler")
    inner = theirs[start:].replace(
        "nn.Linear(config.hidden_size, config.hidden_size)", "nn.Linear(dim, 4 * dim)", 1
    )
    ours = sample.HEAD[TF]
    at = ours.index("class TFLanternPooler")
    wrong = ours[at:].replace(
        "config: LanternConfig, **kwargs", "config: LanternConfig, dim: int = 4, **kwargs", 1
    )
    wrong = wrong.replace("config.hidden_size", "2 * dim", 1)
    said = found(
        (sample.HEAD[PYTORCH][sample.HEAD[PYTORCH].index("class LanternPooler") :], inner), (ours[at:], wrong)
    )
    assert ("layer-arguments", next(line for rule, line in said if rule == "layer-arguments")) in said


def test_a_default_that_the_configuration_has():
    forward = "        hidden_states = self.embeddings(input_ids)\n        if pixel_values"
    asked = "        return_dict = return_dict if return_dict is not None else self.config.use_return_dict\n"
    call = "        hidden_states = self.embeddings(input_ids, training=training)\n"
    assert found(
        (forward, asked + forward),
        (call, f"        return_dict = return_dict if return_dict is not None else True\n{call}"),
    ) == [("config-values", "return_dict = return_dict if return_dict is not None else True")]


def test_labels_that_are_not_shifted():
    loss = "CrossEntropyLoss()(logits.view(-1, self.num_labels), labels.view(-1))\n        return TokenClassifierOutput"
    shifted = loss.replace("labels.view", "labels[:, 1:].view").replace("logits.view", "logits[:, :-1].view")
    start = sample.HEAD[TF].index("class TFLanternForTokenClassificationWithFlicker")
    head = sample.HEAD[TF][start:]
    touched = head.replace(
        "logits = self.classifier(outputs[0])", "logits = self.classifier(outputs[0])  # scores"
    )
    assert found((loss, shifted), (head, touched)) == [
        ("losses", "loss = None if labels is None else self.hf_compute_loss(labels=labels, logits=logits)")
    ]


def test_the_fields_of_an_output():
    torch = "class LanternEmbeddings(nn.Module):"
    theirs = "class LanternOutput(ModelOutput):\n    loss: torch.Tensor = None\n    logits: torch.Tensor = None\n    glow: torch.Tensor = None\n\n\n"
    tensorflow = "class TFLanternEmbeddings(keras.layers.Layer):"
    missing = (
        "class TFLanternOutput(ModelOutput):\n    loss: tf.Tensor = None\n    logits: tf.Tensor = None\n\n\n"
    )
    turned = (
        "class TFLanternOutput(ModelOutput):\n    glow: tf.Tensor = None\n    logits: tf.Tensor = None\n\n\n"
    )
    ours = "from ...utils import add_start_docstrings, "
    imported = "from ...utils import ModelOutput, add_start_docstrings, "
    before = sample.HEAD[TF]

    def said(text: str) -> list[tuple[str, str]]:
        after = before.replace(tensorflow, text + tensorflow).replace(ours, imported)
        return found((torch, theirs + torch), (before, after))

    assert said(missing) == [("output-fields", "class TFLanternOutput(ModelOutput):")]
    assert said(turned) == [("output-fields", "glow: tf.Tensor = None")]


def test_nested_lists_count_from_outside():
    torch = "nn.ModuleList([LanternLayer(config) for _ in range(config.num_hidden_layers)])"
    nested = "nn.ModuleList([nn.ModuleList([LanternLayer(config) for _ in range(2)]) for _ in range(3)])"
    ours = '[TFLanternLayer(config, name=f"layer_._{i}") for i in range(config.num_hidden_layers)]'
    turned = '[[TFLanternLayer(config, name=f"layer_._{j}_._{i}") for j in range(2)] for i in range(3)]'
    assert ("module-list-names", f"self.layer = {turned}") in found((torch, nested), (ours, turned))
