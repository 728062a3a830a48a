"""What a pull request says of itself decides nothing: text of strangers in our comments is never taken for a marker of ours."""

import json
from dataclasses import replace

from bot import plan as p
from bot.decisions import decisions
from bot.examine import _suggestions, suggestions_from_json
from bot.render import notes
from bot.render.comments import read_marker
from bot.review import noted
from bot.state import ChangedFile, User
from bot.suggest import suggestions
from checks.report import Edit, Finding
from checks.rules import sample
from checks.run import check
from checks.snapshot import DictSnapshot
from tests.fixtures.pretend import HEAD, PORT, Pretend, report, situation

P = "src/transformers/models/lantern/modeling_tf_lantern.py"
PAUSE = '<!-- tfport:decision {"kind":"pause","name":"","by":"gante","by_id":1} -->'


def bait(marker):
    """The first `@unpack_inputs` is gone and the marker stands behind `def call(`: the fix is a suggestion that repeats that line."""
    text = sample.head().read(P)
    i = text.index("    @unpack_inputs\n")
    text = text[:i] + text[i:].replace("    @unpack_inputs\n", "", 1)
    end = text.index("\n", text.index("    def call(", i))
    return text[:end] + f"  # {marker}" + text[end:]


def look(text, there=None, head_sha=HEAD):
    head = DictSnapshot({P: text}, under=sample.head())
    found = replace(check(sample.base(), head), head=head_sha, base="b" * 40)
    n = text.count("\n")
    patch = f"@@ -0,0 +1,{n} @@\n" + "".join(f"+{line}\n" for line in text.split("\n")[:n])
    file = ChangedFile(P, "added", patch)
    there = there or Pretend(situation(files=(file,)))
    there.now = replace(there.now, files=(file,), pull=replace(there.now.pull, head_sha=head_sha))
    made = suggestions_from_json(_suggestions(head, found))
    for phase in ("announced", "running"):
        for write in p.plan(there.now, phase):
            there.apply(write)
    for write in p.plan(there.now, "reported", found, made):
        there.apply(write)
    return there, found, made


def test_code_in_a_suggestion_decides_nothing():
    there, _, _ = look(bait(PAUSE))
    assert decisions(there.now.mine) == []


def test_the_author_cannot_waive_what_he_pushes_next():
    bad = sample.head().read(P).replace("    @unpack_inputs\n", "")
    _, found, _ = look(bad)  # at home, with the same version of tfport
    ids = [f.id for f in found.findings if f.level == "error"]
    assert ids
    made = json.dumps(
        {
            "kind": "waive",
            "name": "unpack-inputs",
            "by": "gante",
            "by_id": 1,
            "text": "fine",
            "findings": ids,
        },
        separators=(",", ":"),
    )
    there, _, _ = look(bait(f"<!-- tfport:decision {made} -->"))
    there, _, _ = look(bad, there, "c" * 40)
    assert there.conclusion() == "failure"


def test_a_comment_in_the_code_that_a_message_quotes_decides_nothing():
    there, _, _ = look(sample.head().read(P) + f"# FIXME `{PAUSE}`\n")
    assert decisions(there.now.mine) == []


def test_a_reason_to_ignore_decides_nothing():
    text = (
        sample.head()
        .read(P)
        .replace(
            "    @unpack_inputs\n    def call(",
            f"    def call(  # tfport: ignore[unpack-inputs] `{PAUSE}`",
            1,
        )
    )
    there, _, _ = look(text)
    assert decisions(there.now.mine) == []


def test_a_forged_finding_does_not_settle_the_note():
    there, found, made = look(bait("<!-- tfport:finding 0123456789abcdef x 1 -->"))
    assert (
        p.plan(there.now, "reported", found, made) == []
    )  # today: "Fixed", thread resolved, note folded away
    assert set(noted(there.now)) == {f.id for f in found.findings if f.edits}


def test_a_forged_summary_is_none():
    there, found, made = look(
        bait("<!-- tfport:summary verdict=ready head=x failed=0 was=none cc=yes asked=yes around=none -->")
    )
    assert not [c for c in there.now.mine if c.kind != "issue" and read_marker(c.body)]
    assert p.plan(there.now, "reported", found, made) == []


def test_a_marker_cannot_stop_the_clock():
    # Each =bbb once doubled the time: the suite's own limit would end this.
    assert read_marker("text\n\n<!-- tfport:summary a" + "=bbb" * 60) is None
    assert read_marker("text\n\n<!-- tfport:summary a" + "=bbb" * 60 + " -->") is None


def test_a_long_suggestion_is_not_cut():
    text = "class A:\n" + "".join(f"    x{i} = 1  # {'y' * 60}\n" for i in range(400))
    edits = (
        Edit(PORT.path, (1, 1), (1, 1), "@k\n"),
        *(Edit(PORT.path, (i, 5), (i, 6), "z") for i in range(2, 400)),
    )
    (made,) = suggestions(PORT.path, text, edits)
    finding = Finding("unpack-inputs", "unpack-inputs", "error", PORT.path, 1, "m", edits=edits).identify("x")
    body = notes.note(situation(), finding, made, 0)
    assert (
        "suggestion\n" not in body or made.text in body
    )  # committing half of it deletes the other half of the author's lines


def test_a_waiver_covers_what_the_maintainer_saw():
    def found(n):
        return Finding(
            "unpack-inputs", "unpack-inputs", "error", PORT.path, n, f"m{n}", model="bert"
        ).identify(f"code{n}")

    there = Pretend(situation())
    there.run("reported", replace(report("unpack-inputs"), findings=(found(3),)))
    there.says(User(1, "gante"), "/tfport waive unpack-inputs this one is fine", "write")
    there.pushes("c" * 40)  # before the bot answers
    later = replace(report("unpack-inputs"), head="c" * 40, findings=(found(3), found(9), found(12)))
    for write in p.plan(there.now, "reported", later):
        there.apply(write)
    assert there.conclusion() == "failure"
