"""Breakages of registration, documentation and tests, by patterns of text (no parser of ours)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace

from checks.report import Report
from checks.snapshot import GitSnapshot
from scripts.mutations import Mutation

Replacement = str | Callable[[re.Match[str]], str]


def mutations(head: GitSnapshot, report: Report) -> Iterator[Mutation]:
    """Each breaks one thing that one rule of these groups looks at."""
    for port in report.ports:
        suffix = port.path.rpartition("modeling_tf_")[2].removesuffix(".py")
        source = head.read(port.path) or ""
        yield from _docstrings(port.path, source)
        if head.list("src/transformers/models/xlnet"):
            yield from _other_model(port.path, source)
        for path in head.list("docs/source"):
            text = head.read(path) or "" if "/en/model_doc/" in path else ""
            if "[[autodoc]] TF" in text and any(f"[[autodoc]] {name}\n" in text for name in port.classes):
                yield from _page(path, text, list(port.classes))
        init = f"src/transformers/models/{port.model}/__init__.py"
        yield from _inits(init, head.read(init) or "", "model-init", list(port.classes))
        main = "src/transformers/__init__.py"
        yield from _inits(main, head.read(main) or "", "main-init", list(port.classes))
        yield from _registries(head, list(port.classes))
        for path in (
            f"tests/models/{port.model}/test_modeling_tf_{suffix}.py",
            f"tests/{port.model}/test_modeling_tf_{suffix}.py",
        ):
            tests = head.read(path)
            if tests:
                pytorch = head.read(path.replace("test_modeling_tf_", "test_modeling_")) or ""
                yield from _tests(path, tests, pytorch, list(port.classes))


def _line(text: str, offset: int) -> int:
    return text.count("\n", 0, offset) + 1


def _first(
    what: str,
    path: str,
    text: str,
    pattern: str,
    new: Replacement,
    rule: str,
    *,
    shift: int = 0,
    number: int = 0,
) -> Iterator[Mutation]:
    """One occurrence of a pattern replaced; the finding is expected on its line, or `shift` lines below."""
    found = list(re.finditer(pattern, text, re.MULTILINE))
    if len(found) <= number:
        return
    match = found[number]
    broken = (
        text[: match.start()]
        + (match.expand(new) if isinstance(new, str) else new(match))
        + text[match.end() :]
    )
    start = match.start() + len(match[0]) - len(match[0].lstrip("\n"))
    yield Mutation(f"{what} in {path}", path, broken, rule, _line(text, start) + shift)


def _docstrings(path: str, text: str) -> Iterator[Mutation]:
    entry = r"^( +)(\w+) \(`np\.ndarray` or `tf\.Tensor` of shape"
    rule = "docstring-types"
    if "torch." not in text and "tf.FloatTensor" not in text:
        yield from _first("torch.FloatTensor", path, text, entry, r"\1\2 (`torch.FloatTensor` of shape", rule)
        yield from _first("tf.LongTensor", path, text, entry, r"\1\2 (`tf.LongTensor` of shape", rule)
    rule = "docstring-arguments"
    block = re.search(r'^\w+_INPUTS_DOCSTRING = r"""\n(?:.*\n)*?"""', text, re.MULTILINE)
    if block:
        extra = r"\1glare (`bool`, *optional*):\n\1    Whether it dazzles.\n\1return_dict (`bool`, *optional*"
        pattern = r"^( +)return_dict \(`bool`, \*optional\*"
        yield from _first("an entry that nobody takes", path, text, pattern, extra, rule)
        lost = r"^ +output_hidden_states \(`bool`, \*optional\*\):\n(?: {9,}.*\n)+\n?"
        if len(re.findall(lost, block[0], re.MULTILINE)) == 1 and text.count("_INPUTS_DOCSTRING = ") == 1:
            yield from _first("an entry that is missing", path, text, lost, "", rule)
        plain = r"^( +)return_dict \(`bool`, \*optional\*\)"
        yield from _first("no backticks", path, text, plain, r"\1return_dict (bool, *optional*)", rule)
        twice = r"^( +return_dict \(`bool`, \*optional\*\):\n)((?: {9,}.*\n)+)"

        def double(match: re.Match[str]) -> str:
            return match[0] * 2

        height = re.search(twice, text, re.MULTILINE)
        if height:
            yield from _first(
                "an entry that stands twice", path, text, twice, double, rule, shift=height[0].count("\n")
            )
    rule = "docstring-outputs"
    yield from _first("PyTorch's output", path, text, r"output_type=TF(\w+)", r"output_type=\1", rule)
    yield from _first(
        "another configuration",
        path,
        text,
        r'^_CONFIG_FOR_DOC = ".*"',
        '_CONFIG_FOR_DOC = "XLNetConfig"',
        rule,
    )


def _other_model(path: str, text: str) -> Iterator[Mutation]:
    yield from _first(
        "another model's configuration",
        path,
        text,
        r"config \(\[`(\w+Config)`\]\): Model configuration",
        "config ([`XLNetConfig`]): Model configuration",
        "docstring-models",
    )


def _page(path: str, text: str, classes: list[str]) -> Iterator[Mutation]:
    for name in classes[:2]:
        block = rf"^\[\[autodoc\]\] {name}\n    - call\n"
        yield from _first(f"- call of {name}", path, text, block, f"[[autodoc]] {name}\n", "model-doc")
        yield from _first(
            f"forward of {name}",
            path,
            text,
            block,
            f"[[autodoc]] {name}\n    - forward\n",
            "model-doc",
            shift=1,
        )
        yield from _first(f"heading of {name}", path, text, rf"^## {name}$", "## TFOtherModel", "model-doc")
    credit = r"(?:The )?Tensor[Ff]low version\s(?:of\s(?:this|the)\smodel\s)?was\s(?:contributed|added)\sby"
    thanks = frozenset(_line(text, m.start()) for m in re.finditer(r"contributed by", text))
    for mutation in _first("the credit", path, text, credit, "Many thanks to", "doc-credit"):
        yield replace(mutation, also=thanks)


def _inits(path: str, text: str, rule: str, classes: list[str]) -> Iterator[Mutation]:
    for name in classes[:2]:
        for number in (0, 1):
            pattern = rf'^ +"?{name}"?,\n'
            yield from _first(
                f"{name} twice", path, text, pattern, lambda m: m[0] * 2, rule, shift=1, number=number
            )
    if rule == "model-init":
        guards = [
            m.start()
            for m in re.finditer(r"^ *(?:try:\n +)?if (?:not )?is_tf_available\(\)", text, re.MULTILINE)
        ]
        for what, pattern, new in (
            ("the guard's import", r"\bis_tf_available, (?=.*\n)", ""),
            ("the guard's import", r"^    is_tf_available,\n", ""),
        ):
            for mutation in _first(what, path, text, pattern, new, rule):
                lost = text.count("\n") - mutation.text.count("\n")
                if guards and "import" in text[: guards[0]]:
                    yield replace(mutation, line=_line(text, guards[0]) - lost)
    lists = re.findall(r"TF_\w+_ARCHIVE_LIST", text)
    own = [name for name in dict.fromkeys(lists) if rule == "model-init"]
    for name in own[:1]:
        if len(re.findall(rf'^ +"?{name}"?,\n', text, re.MULTILINE)) == 2:
            for number in (0, 1):
                yield from _first(f"{name}", path, text, rf'^ +"?{name}"?,\n', "", rule, number=number)


def _registries(head: GitSnapshot, classes: list[str]) -> Iterator[Mutation]:
    auto = "src/transformers/models/auto/modeling_tf_auto.py"
    text = head.read(auto) or ""
    for name in classes[:3]:
        entry = rf'^ +\("[\w-]+", "{name}"\),\n'
        yield from _first(f"{name} twice", auto, text, entry, lambda m: m[0] * 2, "auto-classes", shift=1)
        yield from _first(
            f"{name} misspelt", auto, text, rf'(\("[\w-]+", "){name}"', rf'\1{name}s"', "auto-classes"
        )
        yield from _first(
            f"model type of {name}",
            auto,
            text,
            rf'\("([\w-]+)", "{name}"',
            rf'("\1x", "{name}"',
            "auto-classes",
        )
    dummies = "src/transformers/utils/dummy_tf_objects.py"
    text = head.read(dummies) or ""
    for name in classes[:2]:
        body = rf'^(class {name}\(metaclass=DummyObject\):\n    _backends = \["tf"\]\n\n)((?:    .*\n)+)'
        wrong = rf'^class {name}\(metaclass=DummyObject\):\n    _backends = \["tf"\]'
        yield from _first(
            f"backend of {name}",
            dummies,
            text,
            wrong,
            f'class {name}(metaclass=DummyObject):\n    _backends = ["torch"]',
            "dummy-objects",
        )
        old = re.search(body, text, re.MULTILINE)
        if old:
            yield from _first(
                f"a dummy of nothing beside {name}",
                dummies,
                text,
                body,
                lambda m, name=name: m[0] + "\n\n" + m[0].replace(name, "TFForgottenModel"),
                "dummy-objects",
                shift=old[0].count("\n") + 2,
            )


def _tests(path: str, text: str, pytorch: str, classes: list[str]) -> Iterator[Mutation]:
    tuples = list(re.finditer(r"^    all_model_classes = ", text, re.MULTILINE))
    for name in classes[-1:]:
        for pattern in (rf", {name}(?=[,)])", rf"\({name}, (?=TF)", rf"^ +{name},\n"):
            region = re.search(r"^    all_model_classes = [^=]*?else \(\)", text, re.MULTILINE)
            if region is None or len(tuples) != 1 or not re.search(pattern, region[0], re.MULTILINE):
                continue
            new = re.sub(
                pattern, "(" if pattern.startswith(r"\(") else "", region[0], count=1, flags=re.MULTILINE
            )
            yield from _first(
                f"{name} of all_model_classes",
                path,
                text,
                re.escape(region[0]),
                lambda _, new=new: new,
                "test-coverage",
            )
            break
    # The mark of a class, below or above another one; the finding is where the class is.
    one = r"^@require_tf\n(?=class TF\w+Test\()"
    yield from _first("@require_tf", path, text, one, "", "test-decorators")
    yield from _first(
        "@require_vision", path, text, r"^@require_vision\n(?=class TF\w+Test\()", "", "test-decorators"
    )
    slow = r"^    @slow\n(?=    def test_\w+\(self\):\n(?: +for .*\n)?(?:        .*\n){0,3}? +model = TF\w+\.from_pretrained\(\"(?!hf-internal)[\w-]+/)"
    yield from _first("@slow", path, text, slow, "", "test-decorators")
    yield from _first(
        "PyTorch tensors", path, text, r'return_tensors="tf"', 'return_tensors="pt"', "test-decorators"
    )
    yield from _first(
        "torch",
        path,
        text,
        r"^(        outputs? = model\(.*\)\n)",
        r"        torch.manual_seed(0)\n\1",
        "test-decorators",
    )
    yield from _first(
        "the reason",
        path,
        text,
        r"@unittest\.skip\((?:reason=)?\".*\"\)",
        "@unittest.skip",
        "skipped-tests",
        shift=1,
    )
    emptied = r"^    @unittest\.skip\(.*\)\n(?=    def test_\w+\(self\):\n        pass\n)"
    if not re.search(r"(?<!\)\n)    def test_\w+\(self\):\n        pass\n", text):
        yield from _first("the skip", path, text, emptied, "", "skipped-tests")
    if "hidden_size=768" not in pytorch:
        yield from _first(
            "a large model",
            path,
            text,
            r"^        hidden_size=\d+,$",
            "        hidden_size=768,",
            "test-sizes",
        )
    checkpoint = r'= (TF\w+)\.from_pretrained\("([\w-]+)/([\w.-]+)"\)'
    named = re.search(checkpoint, text)
    if named and f"{named[2]}/{named[3]}" in pytorch and f'"{named[3]}"' not in pytorch:
        yield from _first(
            "the organisation", path, text, checkpoint, r'= \1.from_pretrained("\3")', "checkpoints"
        )
    yield from _first(
        "a personal repository",
        path,
        text,
        checkpoint,
        r'= \1.from_pretrained("keeper-of-light/\3")',
        "checkpoints",
    )
    if named:
        same = [m.start() for m in re.finditer(re.escape(f'from_pretrained("{named[2]}/{named[3]}")'), text)]
        models = [at for at in same if re.search(r"= TF\w+\.$", text[:at])]
        if len(models) == len(same) == 2:
            apart = _line(text, models[1]) - _line(text, models[0])
            flagged = r'= \1.from_pretrained("\2/\3", from_pt=True)'
            yield from _first(
                "from_pt=True in one place", path, text, checkpoint, flagged, "from-pt-flag", shift=apart
            )
