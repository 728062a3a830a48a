"""The bot's summary of a port in the making: a welcome and the next steps, no list of failures."""

from __future__ import annotations

from dataclasses import replace

from bot.policy import RepositoryConfig
from bot.render.comments import Asking, Conversation, summary
from checks.report import Report
from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot
from tests.checks.test_progress import BASE, KIN_TF, PYTORCH, TF
from tests.fixtures.pretend import REPOSITORY, pull

TALK = Conversation(REPOSITORY, pull(), RepositoryConfig(maintainers=("gante",)))


def report(text: str) -> Report:
    found = check(DictSnapshot(BASE), DictSnapshot({**BASE, TF: text}))
    return replace(found, base="b" * 40)


def test_an_empty_file():
    body = summary(TALK, report(""), None, greets=True, asking=Asking()).body
    head = body.partition("<details>")[0]
    assert head.startswith("**TensorFlow port of `lantern`: welcome, @")
    assert "0 of 9 classes converted" in head
    assert "1. Copy `modeling_lantern.py` into `modeling_tf_lantern.py`" in head
    assert "2. Commit and push whenever you like" in head
    assert "/v4.36.1/en/add_tensorflow_model#4-model-implementation" in head
    assert f"/blob/{'b' * 40}/{KIN_TF}" in head
    assert "❌" not in body.partition("✅ holds")[0]


def test_a_copied_file():
    head = summary(TALK, report(PYTORCH), None, greets=False, asking=Asking()).body.partition("<details>")[0]
    assert "torch expressions left" in head
    assert "1. Convert one class after the other" in head


def test_a_half_written_port():
    text = sample.HEAD[TF]
    text = text[: text.index("class TFLanternForSequenceClassification")]
    text += PYTORCH[PYTORCH.index("class LanternForSequenceClassification") :]
    head = summary(TALK, report(text), None, greets=False, asking=Asking()).body.partition("<details>")[0]
    assert "7 of 9 classes converted" in head
    assert "Convert what is left: `LanternForSequenceClassification`" in head


def test_names_of_strangers_do_nothing():
    hostile = PYTORCH.replace("LanternEmbeddings", "Lantern_x_")
    base = {**BASE, "src/transformers/models/lantern/modeling_lantern.py": hostile}
    found = check(DictSnapshot(base), DictSnapshot({**base, TF: hostile}))
    body = summary(TALK, replace(found, base="b" * 40), None, greets=False, asking=Asking()).body
    assert "`Lantern_x_`" in body
