"""Breakages of a port's structure: classes, constructors, calls, losses, inputs, builds. By patterns of text, so that no parser of ours is
asked about its own errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from checks.report import Report
from checks.snapshot import GitSnapshot
from scripts.mutations import Mutation


@dataclass(frozen=True, slots=True)
class _Body:
    """A class of a text, or a method of it."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Source:
    """A module that is broken. `public` are the classes that people import, `builds` says that the tree wants `build` methods."""

    path: str
    text: str
    public: frozenset[str]
    builds: bool

    def line(self, offset: int) -> int:
        """Line of an offset, from 1."""
        return self.text.count("\n", 0, offset) + 1

    def classes(self, pattern: str) -> Iterator[tuple[_Body, re.Match[str]]]:
        """The classes whose header matches."""
        starts = [m.start() for m in re.finditer(r"^(?:class|def|@|[A-Z_]+ = )", self.text, re.MULTILINE)]
        for match in re.finditer(pattern, self.text, re.MULTILINE):
            end = next((start for start in starts if start > match.start()), len(self.text))
            yield _Body(match[1], match.start(), end), match

    def method(self, body: _Body, name: str) -> _Body | None:
        """A method of a class: from its `def` to the next method."""
        found = re.compile(rf"^    def {name}\(", re.MULTILINE).search(self.text, body.start, body.end)
        if found is None:
            return None
        after = re.compile(r"^(?:    (?:def |@|# )|#)", re.MULTILINE).search(self.text, found.end(), body.end)
        return _Body(name, found.start(), after.start() if after else body.end)

    def broken(self, what: str, rule: str, start: int, end: int, new: str, at: int, *also: int) -> Mutation:
        """`new` instead of the text from start to end; the finding is on the line of the offset `at` of the new text."""
        text = self.text[:start] + new + self.text[end:]
        lines = [text.count("\n", 0, place) + 1 for place in (at, *also)]
        return Mutation(what, self.path, text, rule, lines[0], frozenset(lines[1:]))


def mutations(head: GitSnapshot, report: Report) -> Iterator[Mutation]:
    """Breakages of each port of a report, few of each kind."""
    builds = "def build_in_name_scope" in (head.read("src/transformers/modeling_tf_utils.py") or "")
    for port in report.ports:
        source = _Source(port.path, head.read(port.path) or "", frozenset(port.classes), builds)
        for kind in _KINDS:
            for number, mutation in enumerate(kind(source)):
                if number == 3:
                    break
                yield mutation


def _attributes(source: _Source) -> Iterator[Mutation]:
    for body, _ in source.classes(r"^class (TF\w+PreTrainedModel)\(TFPreTrainedModel\):"):
        for name in ("config_class", "base_model_prefix", "main_input_name"):
            match = re.compile(rf"^    {name} = .*\n", re.MULTILINE).search(source.text, body.start, body.end)
            if match is None:
                continue
            if name != "main_input_name":
                yield source.broken(
                    f"{body.name} without {name}", "base-class", *match.span(), "", body.start
                )
            value = "OtherConfig" if name == "config_class" else '"other"'
            yield source.broken(
                f"{body.name} with another {name}",
                "base-class",
                *match.span(),
                f"    {name} = {value}\n",
                match.start(),
            )


def _prefixes(source: _Source) -> Iterator[Mutation]:
    yield from list(_attributes(source))[3:]


def _main_names(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(
        r'^        self\.\w+ = TF\w+MainLayer\(config(, name="\w+")\)', source.text, re.MULTILINE
    ):
        yield source.broken(
            "another name of the main layer",
            "main-layer-name",
            *match.span(1),
            ', name="other"',
            match.start(),
        )


def _main_nameless(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(
        r'^        self\.\w+ = TF\w+MainLayer\(config(, name="\w+")\)', source.text, re.MULTILINE
    ):
        yield source.broken("no name of the main layer", "main-layer-name", *match.span(1), "", match.start())


def _main_model(source: _Source) -> Iterator[Mutation]:
    pattern = r"^class (TF\w+MainLayer)\(((?:tf\.)?keras\.layers\.Layer)\):"
    for body, match in source.classes(pattern):
        yield source.broken(
            f"{body.name} is a model", "main-layer", *match.span(2), "TFPreTrainedModel", match.start()
        )


def _kwargs(source: _Source) -> Iterator[Mutation]:
    for body, _ in source.classes(r"^class (TF\w+)\((?:tf\.)?keras\.layers\.Layer\):"):
        match = re.compile(r"super\(\)\.__init__\(\*\*kwargs\)").search(source.text, body.start, body.end)
        if match:
            yield source.broken(
                f"{body.name} keeps kwargs",
                "constructor-kwargs",
                *match.span(),
                "super().__init__()",
                match.start(),
            )


def _stored_config(source: _Source) -> Iterator[Mutation]:
    for body, _ in source.classes(r"^class (TF\w+MainLayer)\((?:tf\.)?keras\.layers\.Layer\):"):
        init = source.method(body, "__init__")
        match = init and re.compile(r"^        self\.config = config\n", re.MULTILINE).search(
            source.text, init.start, init.end
        )
        if init and match and "self.config" not in source.text[init.start : init.end].replace(match[0], ""):
            yield source.broken(
                f"{body.name} without self.config", "stored-config", *match.span(), "", init.start
            )


def _no_mixin(source: _Source) -> Iterator[Mutation]:
    for body, match in source.classes(r"^class (TF\w+)\(TF\w+PreTrainedModel(, TF\w+Loss)\):"):
        text = source.text[body.start : body.end]
        if "self.hf_compute_loss(" in text and "def hf_compute_loss" not in text:
            yield source.broken(f"{body.name} without its mixin", "losses", *match.span(2), "", body.start)


def _other_mixin(source: _Source) -> Iterator[Mutation]:
    for body, match in source.classes(
        r"^class (TF\w+For(?:Sequence|Image)Classification)\(\w+, (TF\w+Loss)\):"
    ):
        if "def hf_compute_loss" not in source.text[body.start : body.end]:
            yield source.broken(
                f"{body.name} with another mixin",
                "losses",
                *match.span(2),
                "TFTokenClassificationLoss",
                body.start,
            )


def _range(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(
        r"^ +check_embeddings_within_bounds\(input_ids, .*\)\n(?=( +)\w+ = )", source.text, re.MULTILINE
    ):
        yield source.broken("ids are not checked", "embedding-range", *match.span(), "", match.start())


def _calls_of_models(source: _Source) -> Iterator[tuple[_Body, _Body]]:
    for body, _ in source.classes(r"^class (TF\w+)\("):
        call = source.method(body, "call") if body.name in source.public else None
        if call:
            yield body, call


def _training_first(source: _Source) -> Iterator[Mutation]:
    pattern = re.compile(r"^(        return_dict: .*\n)(        training: .*\n)(?=    \))", re.MULTILINE)
    for body, call in _calls_of_models(source):
        match = pattern.search(source.text, call.start, call.end)
        if match:
            yield source.broken(
                f"{body.name} takes training early",
                "training-default",
                *match.span(),
                match[2] + match[1],
                match.start(),
            )


def _swapped(source: _Source) -> Iterator[Mutation]:
    pattern = re.compile(
        r"def call\(\n        self,\n(        (\w+): .*= None,\n)(        (\w+): .*= None,\n)"
    )
    for body, call in _calls_of_models(source):
        match = pattern.search(source.text, call.start, call.end)
        if match and not {match[2], match[4]} & {
            "labels",
            "output_attentions",
            "output_hidden_states",
            "return_dict",
        }:
            yield source.broken(
                f"{body.name} takes {match[4]} first",
                "call-signature",
                match.start(1),
                match.end(3),
                match[3] + match[1],
                match.start(1),
            )


def _default(source: _Source) -> Iterator[Mutation]:
    pattern = re.compile(r"^        return_dict: .*= (None),?\n", re.MULTILINE)
    for body, call in _calls_of_models(source):
        match = pattern.search(source.text, call.start, call.end)
        if match:
            yield source.broken(
                f"{body.name} returns a dict", "call-signature", *match.span(1), "True", match.start()
            )


def _dropped(source: _Source) -> Iterator[Mutation]:
    pattern = re.compile(
        r"^            (attention_mask|head_mask|position_ids|bbox|interpolate_pos_encoding)=\1,\n",
        re.MULTILINE,
    )
    for body, call in _calls_of_models(source):
        for match in pattern.finditer(source.text, call.start, call.end):
            uses = re.findall(rf"(?<![\w.]){match[1]}\b(?!=)", source.text[call.start : call.end])
            taken = re.compile(rf"^        {match[1]}: ", re.MULTILINE).search(
                source.text, call.start, call.end
            )
            if taken and len(uses) == 2:
                yield source.broken(
                    f"{body.name} drops {match[1]}", "passed-inputs", *match.span(), "", taken.start()
                )


def _crossed(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(r"output_attentions=(output_attentions)\b", source.text):
        before = source.text.rfind("    def ", 0, match.start())
        taken = "output_hidden_states" in source.text[before : match.start()].split(":\n")[0]
        used = (
            len(re.findall(r"(?<!=)\boutput_attentions\b(?!=)", source.text[before : match.start() + 2000]))
            > 3
        )
        if taken and used and source.text[before:].startswith("    def call("):
            yield source.broken(
                "output_hidden_states as output_attentions",
                "passed-inputs",
                *match.span(1),
                "output_hidden_states",
                match.start(),
            )


def _kept(source: _Source) -> Iterator[Mutation]:
    for body, _ in source.classes(r"^class (TF\w+)\((?:tf\.)?keras\.layers\.Layer\):"):
        call = source.method(body, "call")
        match = call and re.compile(r"^        (\w+) = self\.\w+\([^\n]*\)\n", re.MULTILINE).search(
            source.text, call.start, call.end
        )
        if match:
            line = f"        self.cached = {match[1]}\n"
            yield source.broken(
                f"{body.name} keeps a tensor", "tensors-on-self", match.end(), match.end(), line, match.end()
            )


def _in_call(source: _Source) -> Iterator[Mutation]:
    for body, _ in source.classes(r"^class (TF\w+)\((?:tf\.)?keras\.layers\.Layer\):"):
        call = source.method(body, "call")
        match = call and re.compile(r"^        (\w+) = self\.\w+\([^\n]*\)\n", re.MULTILINE).search(
            source.text, call.start, call.end
        )
        if match:
            keras = "tf.keras" if "tf.keras" in source.text else "keras"
            line = f'        {match[1]} = {keras}.layers.Dense(8, name="moment")({match[1]})\n'
            yield source.broken(
                f"{body.name} makes a layer in call",
                "layers-in-constructor",
                match.end(),
                match.end(),
                line,
                match.end(),
            )


def _on_values(source: _Source) -> Iterator[Mutation]:
    for body, _ in source.classes(r"^class (TF\w+)\((?:tf\.)?keras\.layers\.Layer\):"):
        call = source.method(body, "call")
        match = call and re.compile(r"^        (\w+) = self\.\w+\([^\n]*\)\n", re.MULTILINE).search(
            source.text, call.start, call.end
        )
        if match:
            line = f"        if tf.reduce_sum({match[1]}) > 0:\n            {match[1]} = {match[1]} / 2\n"
            yield source.broken(
                f"{body.name} branches on values",
                "symbolic-branches",
                match.end(),
                match.end(),
                line,
                match.end(),
            )


def _unguarded(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(
        r"^ +if (tf\.executing_eagerly\(\) and )\w+ != .*:\n +raise ", source.text, re.MULTILINE
    ):
        yield source.broken(
            "sizes are checked in graphs too", "symbolic-branches", *match.span(1), "", match.start()
        )


def _post_init(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(
        r"^        super\(\)\.__init__\(config, \*inputs, \*\*kwargs\)\n", source.text, re.MULTILINE
    ):
        yield source.broken(
            "post_init",
            "torch-leftovers",
            match.end(),
            match.end(),
            "        self.post_init()\n",
            match.end(),
        )


def _checkpointing(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(r"^        super\(\)\.__init__\(\*\*kwargs\)\n", source.text, re.MULTILINE):
        line = "        self.gradient_checkpointing = False\n"
        yield source.broken(
            "gradient checkpointing", "gradient-checkpointing", match.end(), match.end(), line, match.end()
        )


def _initial_values(source: _Source) -> Iterator[Mutation]:
    for body, match in source.classes(r"^class (TF\w+PreTrainedModel)\(TFPreTrainedModel\):"):
        prefix = re.compile(r"^    base_model_prefix = .*\n", re.MULTILINE).search(
            source.text, match.end(), body.end
        )
        if prefix:
            lines = "\n    def _init_weights(self, module):\n        pass\n"
            yield source.broken(
                "_init_weights", "torch-leftovers", prefix.end(), prefix.end(), lines, prefix.end() + 1
            )


def _signature(source: _Source) -> Iterator[Mutation]:
    for name, rule in (("input_signature", "input-signature"), ("dummy_inputs", "dummy-inputs")):
        for body, _ in source.classes(r"^class (TF\w+PreTrainedModel)\(TFPreTrainedModel\):"):
            method = source.method(body, name)
            before = method and source.text.rfind("    @property\n", body.start, method.start)
            if method and before and "input_ids" not in source.text[method.start : method.end]:
                yield source.broken(f"no {name}", rule, before, method.end, "", body.start)


def _key(source: _Source) -> Iterator[Mutation]:
    for name, rule in (("input_signature", "input-signature"), ("dummy_inputs", "dummy-inputs")):
        for body, _ in source.classes(r"^class (TF\w+PreTrainedModel)\(TFPreTrainedModel\):"):
            method = source.method(body, name)
            match = method and re.compile(r'\{\n? *"(\w+)":').search(source.text, method.start, method.end)
            if match:
                yield source.broken(
                    f"a key that no model takes in {name}",
                    rule,
                    *match.span(1),
                    "inputs_of_model",
                    match.start(1),
                )


def _serving_output(source: _Source) -> Iterator[Mutation]:
    if source.builds or "tf.TensorSpec" not in source.text:
        return
    for body, call in _calls_of_models(source):
        method = source.method(body, "serving_output")
        if (
            method
            and "input_ids" in source.text[call.start : call.start + 60]
            and "@tf.function" in source.text
        ):
            at = source.text.rfind("\n", 0, method.start) + 1
            yield source.broken(
                f"{body.name} without serving_output", "dummy-inputs", at, method.end, "", body.start
            )


def _tuple_order(source: _Source) -> Iterator[Mutation]:
    for match in re.finditer(
        r"^ +return \((\w+), (\w+)\)\n\n +return TF\w+\(\n? *\w+=\1,\s+\w+=\2", source.text, re.MULTILINE
    ):
        start, end = match.start(1), match.end(2)
        yield source.broken(
            "the tuple turned round", "output-order", start, end, f"{match[2]}, {match[1]}", match.start()
        )


# -- builds ------------------------------------------------------------------------------------------------------------

_BLOCK = re.compile(
    r'^        if getattr\(self, "(\w+)", None\) is not None:\n            with tf\.name_scope\(self\.\1\.name\):\n'
    r"                self\.\1\.build\((.*)\)\n",
    re.MULTILINE,
)


def _blocks(source: _Source) -> Iterator[tuple[_Body, re.Match[str]]]:
    if source.builds:
        for body, _ in source.classes(r"^class (TF\w+)\("):
            for match in _BLOCK.finditer(source.text, body.start, body.end):
                yield body, match


def _not_built(source: _Source) -> Iterator[Mutation]:
    for body, match in _blocks(source):
        method = source.method(body, "build")
        if method:
            yield source.broken(
                f"{body.name} does not build {match[1]}", "build-methods", *match.span(), "", method.start
            )


def _no_build(source: _Source) -> Iterator[Mutation]:
    if source.builds:
        for body, _ in source.classes(r"^class (TF\w+)\("):
            if "# Copied from" in source.text[: body.start][-200:].rpartition("\n\n")[2]:
                continue  # no copy any more either
            method = source.method(body, "build")
            if (
                method
                and "name_scope" in source.text[method.start : method.end]
                and "add_weight" not in source.text[method.start : method.end]
            ):
                yield source.broken(
                    f"{body.name} without build",
                    "build-methods",
                    method.start,
                    method.end,
                    "\n\n",
                    body.start,
                )


def _wrong_scope(source: _Source) -> Iterator[Mutation]:
    seen: dict[str, str] = {}
    for body, match in _blocks(source):
        other = seen.get(body.name)
        seen.setdefault(body.name, match[1])
        if other:
            at = source.text.index("tf.name_scope(self.", match.start())
            start = at + len("tf.name_scope(self.")
            yield source.broken(
                f"{body.name} builds {match[1]} in the scope of {other}",
                "build-scopes",
                start,
                start + len(match[1]),
                other,
                at,
            )


def _no_scope(source: _Source) -> Iterator[Mutation]:
    for body, match in _blocks(source):
        start = source.text.index("            with ", match.start())
        line = f"            self.{match[1]}.build({match[2]})\n"
        yield source.broken(
            f"{body.name} builds {match[1]} without scope", "build-scopes", start, match.end(), line, start
        )


def _no_shape(source: _Source) -> Iterator[Mutation]:
    for body, match in _blocks(source):
        if match[2].startswith("["):
            yield source.broken(
                f"{body.name} builds {match[1]} with None",
                "build-shapes",
                *match.span(2),
                "None",
                match.start(2),
            )


def _no_axis(source: _Source) -> Iterator[Mutation]:
    for body, match in _blocks(source):
        axis = re.search(r", ([^,\]]+)\]$", match[2])
        if axis and axis[1] != "None":
            start = match.start(2) + axis.start(1)
            yield source.broken(
                f"{body.name} builds {match[1]} without an axis",
                "build-shapes",
                start,
                start + len(axis[1]),
                "None",
                match.start(2),
            )


def _other_axis(source: _Source) -> Iterator[Mutation]:
    for body, match in _blocks(source):
        for old, new in (
            ("self.config.hidden_size]", "self.config.intermediate_size]"),
            ("self.config.intermediate_size]", "self.config.hidden_size]"),
        ):
            if match[2].endswith(old) and f"{new[:-1]}" in source.text:
                yield source.broken(
                    f"{body.name} builds {match[1]} for another size",
                    "build-shapes",
                    *match.span(2),
                    match[2].replace(old, new),
                    match.start(2),
                )


def _flag(source: _Source) -> Iterator[Mutation]:
    if source.builds:
        for match in re.finditer(
            r"^    def build\(.*\n        if self\.built:\n            return\n(        self\.built = True\n)",
            source.text,
            re.MULTILINE,
        ):
            yield source.broken("built is never set", "build-methods", *match.span(1), "", match.start())


_KINDS: tuple[Callable[[_Source], Iterator[Mutation]], ...] = (
    _attributes,
    _prefixes,
    _main_names,
    _main_nameless,
    _main_model,
    _kwargs,
    _stored_config,
    _no_mixin,
    _other_mixin,
    _range,
    _training_first,
    _swapped,
    _default,
    _dropped,
    _crossed,
    _kept,
    _in_call,
    _on_values,
    _unguarded,
    _post_init,
    _checkpointing,
    _initial_values,
    _signature,
    _key,
    _serving_output,
    _tuple_order,
    _not_built,
    _no_build,
    _wrong_scope,
    _no_scope,
    _no_shape,
    _no_axis,
    _other_axis,
    _flag,
)
