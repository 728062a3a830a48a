"""Notes at lines: once per finding, on legal lines, with suggestions that give what the edits give."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import outbox as o
from bot.policy import RepositoryConfig
from bot.state import ChangedFile
from bot.suggest import Suggestion, fence, suggestions
from checks.edits import apply, insert
from checks.report import Edit, Finding, Level, Location, Report
from tests.fixtures.pretend import PORT, Pretend, report, situation

FILE = PORT.path
PATCH = "@@ -0,0 +1,40 @@\n" + "\n".join(f"+line {n}" for n in range(1, 41))
TEXT = "\n".join(f"line {n}" for n in range(1, 41)) + "\n"


def found(rule: str, line: int, level: Level = "error", **more: object) -> Finding:
    item = {"training-argument": "training-argument"}.get(rule, rule)
    plain = Finding(rule, item, level, FILE, line, f"{rule} at `{line}`", "do this", model="bert")
    return replace(plain, **more).identify(f"line {line}")  # type: ignore[arg-type]


def findings(*some: Finding) -> Report:
    base = report("unpack-inputs")
    return replace(base, findings=some)


def hub() -> Pretend:
    return Pretend(situation(files=(ChangedFile(FILE, "added", PATCH),)))


def review_of(writes: list[o.Write]) -> o.CreateReview:
    (review,) = [write for write in writes if isinstance(write, o.CreateReview)]
    return review


def test_every_finding_stands_in_one_place():
    there = hub()
    off_diff = found("doc-table", 90)
    writes = there.run("reported", findings(found("unpack-inputs", 7), off_diff))
    review = review_of(writes)
    assert [(c.path, c.line) for c in review.comments] == [(FILE, 7)]
    notes = [
        (note.title.split(":")[0], note.start_line)
        for write in writes
        if isinstance(write, o.CreateCheckRun)
        for note in write.output.annotations
    ]
    assert notes == [("doc-table", 90)]


def test_a_push_repeats_nothing_and_settles_what_is_gone():
    there = hub()
    stays, goes = found("unpack-inputs", 7), found("keras-serializable", 9)
    there.run("reported", findings(stays, goes))
    there.pushes("c" * 40)
    writes = there.run("reported", replace(findings(stays), head="c" * 40))
    assert not any(isinstance(write, o.CreateReview) for write in writes)
    (edited,) = [write for write in writes if isinstance(write, o.EditReviewComment)]
    assert edited.body.startswith("✅ Fixed in `ccccccccc`.")
    assert "keras-serializable" in edited.body
    assert sum(isinstance(write, o.ResolveThread) for write in writes) == 1
    # It comes back: that is news.
    there.pushes("d" * 40)
    writes = there.run("reported", replace(findings(stays, goes), head="d" * 40))
    assert [c.line for c in review_of(writes).comments] == [9]


def test_one_review_for_each_head():
    there = hub()
    there.run("reported", findings(found("unpack-inputs", 7)))
    writes = there.run("reported", findings(found("unpack-inputs", 7), found("losses", 9)))
    assert not any(isinstance(write, o.CreateReview) for write in writes)


def test_a_review_is_the_only_news_of_a_push():
    there = hub()
    there.run("reported", findings())
    first = len(there.summaries)
    there.pushes("c" * 40)
    writes = there.run("reported", replace(findings(found("unpack-inputs", 7)), head="c" * 40))
    assert review_of(writes)
    assert len(there.summaries) == first, "the summary is edited, as the review tells the news"


def test_what_is_waived_settles_its_note():
    there = hub()
    finding = found("unpack-inputs", 7)
    there.run("reported", findings(finding))
    waived = replace(finding, ignored="waived by gante: on purpose")
    writes = there.run("reported", findings(waived))
    (edited,) = [write for write in writes if isinstance(write, o.EditReviewComment)]
    assert "waived by gante" in edited.body
    assert "✅" not in edited.body


def test_all_places_of_a_defect_in_one_note_and_groups_in_order():
    there = hub()
    many = found("training-argument", 30, "suggestion", locations=tuple(Location(FILE, n) for n in (31, 33)))
    review = review_of(
        there.run("reported", findings(many, found("unpack-inputs", 7), found("losses", 3, "warning")))
    )
    assert [c.line for c in review.comments] == [3, 7, 30]
    assert "(and in 2 other places: [L31](" in review.comments[2].body
    order = [review.body.index(word) for word in ("To fix", "Worth doing", "Nits")]
    assert order == sorted(order)


@pytest.mark.parametrize("config", [RepositoryConfig(review=False), RepositoryConfig(quiet=True)])
def test_no_review_where_none_is_wanted(config: RepositoryConfig):
    there = Pretend(situation(files=(ChangedFile(FILE, "added", PATCH),), config=config))
    writes = there.run("reported", findings(found("unpack-inputs", 7)))
    assert not any(isinstance(write, o.CreateReview) for write in writes)
    assert sum(len(w.output.annotations) for w in writes if isinstance(w, o.CreateCheckRun)) == 1
    assert len(there.summaries) == (0 if config.quiet else 1)


def test_suggestions_that_overlap_are_given_once():
    there = hub()
    one, two = found("unpack-inputs", 7), found("keras-serializable", 8)
    same = Suggestion(FILE, 7, 8, "new\n")
    review = review_of(there.run("reported", findings(one, two), {one.id: [same], two.id: [same]}))
    assert sum("```suggestion" in comment.body for comment in review.comments) == 1
    assert len(review.comments) == 2


def test_a_suggestion_off_the_diff_is_left_out_with_all_that_belongs_to_it():
    there = hub()
    finding = found("unpack-inputs", 7)
    parts = [Suggestion(FILE, 7, 7, "new\n"), Suggestion("src/transformers/__init__.py", 3, 3, "import\n")]
    review = review_of(there.run("reported", findings(finding), {finding.id: parts}))
    assert [(c.line, "suggestion" in c.body) for c in review.comments] == [(7, False)]


def test_hostile_code_stays_in_its_fence():
    block = fence(Suggestion(FILE, 1, 1, "x = '''\n```\n@org/team <!-- tfport:finding\n````'''\n"))
    assert block.startswith("`````suggestion\n")
    assert block.endswith("\n`````")


LINES = st.lists(st.sampled_from(["a", "bb = 1", "", "    c()", "é = 'ß'"]), min_size=1, max_size=12)


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[Edit]]:
    lines = draw(LINES)
    edits: list[Edit] = []
    for _ in range(draw(st.integers(0, 4))):
        line = draw(st.integers(1, len(lines)))
        kind = draw(st.sampled_from(["insert", "inside", "lines"]))
        if kind == "insert":
            edits.append(insert(FILE, line, draw(st.sampled_from(["@x\n", "y\nz\n"]))))
        elif kind == "lines":
            last = draw(st.integers(line, len(lines)))
            edits.append(Edit(FILE, (line, 1), (last + 1, 1), draw(st.sampled_from(["", "n\n"]))))
        else:
            end = draw(st.integers(1, len(lines[line - 1]) + 1))
            edits.append(
                Edit(FILE, (line, draw(st.integers(1, end))), (line, end), draw(st.sampled_from(["", "k"])))
            )
    return "\n".join(lines) + "\n", edits


@given(edited())
def test_suggestions_applied_from_the_top_give_what_the_edits_give(case: tuple[str, list[Edit]]):
    text, edits = case
    made = suggestions(FILE, text, edits)
    shown = [line for s in made for line in range(s.start_line, s.end_line + 1)]
    assert len(shown) == len(set(shown)), "two suggestions for one line"
    lines = text.split("\n")
    shift = 0
    for s in made:
        new = s.text.split("\n")[:-1]
        lines[s.start_line - 1 + shift : s.end_line + shift] = new
        shift += len(new) - (s.end_line - s.start_line + 1)
    if _independent(edits):
        assert "\n".join(lines) == apply({FILE: text}, edits)[FILE]


def _independent(edits: list[Edit]) -> bool:
    """Edits that overlap have no one result; nor has a suggestion that would make an empty line out of nothing."""
    spans = sorted({(e.start, e.end) for e in edits})
    apart = all(a[1] < b[0] for a, b in pairwise(spans))
    return apart and len(spans) == len(set(edits))
