"""What the decorators say that a model returns, and with which configuration."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from checks.edits import replace
from checks.errors import NotBegun
from checks.port import Module, Port
from checks.report import Finding
from checks.rules import Example, Rule
from checks.source.docstrings import Call, Decorator, doc_facts


def check(port: Port) -> Iterator[Finding]:
    if not port.classes:
        raise NotBegun("no class yet")
    for module in port.modules:
        text = port.text(module.path)
        if "_docstrings(" not in text:
            continue
        facts = doc_facts(text)
        pytorch = port.text(module.pytorch_path) if module.pytorch_path else ""
        for name, value, line in facts.literals:
            if name == "_CONFIG_FOR_DOC":
                yield from _configuration(port, module, pytorch, value, line)
        for call in facts.calls:
            for decorator in call.decorators:
                yield from _output(port, module, call, decorator)


def _configuration(port: Port, module: Module, pytorch: str, value: str, line: int) -> Iterator[Finding]:
    """The configuration that the documentation is made with: this model's, or whatever PyTorch names."""
    if not pytorch or value in pytorch or value == port.configuration or not port.configuration:
        return
    source = port.text(module.path).split("\n")[line - 1]
    column = source.find(value) + 1
    yield RULE.finding(
        module.path,
        line,
        f"_CONFIG_FOR_DOC is {value}, which is not this model's configuration",
        f"{port.configuration} is meant.",
        symbol="_CONFIG_FOR_DOC",
        column=max(column, 1),
        edits=(replace(module.path, line, column, value, port.configuration),) if column else (),
    )


def _output(port: Port, module: Module, call: Call, decorator: Decorator) -> Iterator[Finding]:
    value = decorator.keyword("output_type")
    if not isinstance(value, ast.Name) or value.id == "tf":
        return
    if not value.id.startswith(("TF", "_TF")) and value.id not in port.classes:
        tensorflow = f"TF{value.id}"
        known = module.facts.importing(tensorflow) is not None or tensorflow in port.classes
        yield RULE.finding(
            module.path,
            value.lineno,
            f"{call.owner}.call is documented to return {value.id}, PyTorch's output",
            f"Name {tensorflow}.",
            symbol=f"{call.owner}.call",
            column=value.col_offset + 1,
            edits=(replace(module.path, value.lineno, value.col_offset + 1, value.id, tensorflow),)
            if known
            else (),
        )
    elif any(name.startswith("TF") for name in call.returns) and value.id not in call.returns:
        meant = next(name for name in call.returns if name.startswith("TF"))
        yield RULE.finding(
            module.path,
            value.lineno,
            f"{call.owner}.call is documented to return {value.id}, but annotated with {meant}",
            "Name the class that it returns in both places.",
            symbol=f"{call.owner}.call",
            column=value.col_offset + 1,
            level="warning",
        )


_TF = "src/transformers/models/lantern/modeling_tf_lantern.py"
_MODEL = "    @unpack_inputs\n    @add_start_docstrings_to_model_forward(LANTERN_INPUTS_DOCSTRING)\n    def call(\n        self,\n        input_ids: TFModelInputType | None = None,\n        flicker"
_BAD = _MODEL.replace(
    "    def call",
    "    @replace_return_docstrings(output_type=TokenClassifierOutput, config_class='LanternConfig')\n    def call",
)

RULE = Rule(
    slug="docstring-outputs",
    level="error",
    summary="`output_type` and `config_class` of the documentation decorators name the TensorFlow output and this model's configuration.",
    why="The section “Returns” of the page is made from them: with PyTorch's class it describes torch tensors, or the import fails.",
    how="`output_type=TFBaseModelOutput…`, the class that `call` returns; `_CONFIG_FOR_DOC` is the model's configuration.",
    guide="Step 3: convert the PyTorch code, its documentation included.",
    source="review of several ports",
    check=check,
    examples=(
        Example(
            title="PyTorch's output",
            path=_TF,
            good=_MODEL,
            bad=_BAD,
            edits_to=_BAD.replace("output_type=", "output_type=TF"),
            finds=(
                "@replace_return_docstrings(output_type=TokenClassifierOutput, config_class='LanternConfig')",
            ),
        ),
        Example(
            title="Another output than the annotation's",
            path=_TF,
            good=_MODEL,
            bad=_BAD.replace("output_type=", "output_type=TF").replace("TokenC", "SequenceC"),
            finds=(
                "@replace_return_docstrings(output_type=TFSequenceClassifierOutput, config_class='LanternConfig')",
            ),
        ),
        Example(
            title="Another model's configuration",
            path=_TF,
            good='LANTERN_START_DOCSTRING = r"""',
            bad='_CONFIG_FOR_DOC = "BertConfig"\n\nLANTERN_START_DOCSTRING = r"""',
            edits_to='_CONFIG_FOR_DOC = "LanternConfig"\n\nLANTERN_START_DOCSTRING = r"""',
            finds=('_CONFIG_FOR_DOC = "BertConfig"',),
        ),
    ),
)
