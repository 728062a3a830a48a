"""Models without a TensorFlow port, for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.text import Text

from bot.render.terminal import wrapped
from bot.render.visible import visible
from checks.missing import Missing
from checks.report import Similar


def print_missing(console: Console, models: Sequence[Missing], total: int, note: str) -> None:
    """Prints the models as a table, whom to copy from, and what comes next.

    Args:
        total: how many there are besides those shown.
        note: what the figures lack, "" for nothing.
    """
    for line in _lines(models, total, note, max(console.width, 40)):
        console.print(line, soft_wrap=True, highlight=False)


def _lines(models: Sequence[Missing], total: int, note: str, width: int) -> Iterator[Text]:
    if not models:
        yield Text("Every model has a TensorFlow port.", "bold")
        return
    popular = any(model.downloads is not None for model in models)
    name = max(5, *(len(model.model) for model in models))
    figures = f"{'copied by':>9}  {'downloads':>9}  " if popular else f"{'copied by':>9}  "
    yield Text(f"{'model':<{name}}  {figures}{'classes':>7}  {'lines':>5}  nearest port", "bold")
    for model in models:
        yield _row(model, name, popular, width)
    yield Text()
    more = f", {len(models)} of them shown" if total > len(models) else ""
    yield from wrapped(f"{total} models have no TensorFlow port{more}.", width, style="bold")
    if note:
        yield from wrapped(f"note: {visible(note)}", width)
    yield from wrapped(
        f"tfport scout CHECKPOINT says what a checkpoint needs; then add modeling_tf_{models[0].model}.py and tfport check.",
        width,
        first="Next: ",
        rest="      ",
    )


def _row(model: Missing, name: int, popular: bool, width: int) -> Text:
    row = f"{visible(model.model):<{name}}  {model.copied_by or '–':>9}  "
    if popular:
        row += f"{_short(model.downloads):>9}  "
    row += f"{model.classes:>7}  {model.lines:>5}  "
    similar = model.similar
    near = _near(similar) if similar is not None else "–"
    kinds = f"; attention: {', '.join(map(visible, model.attention))}" if model.attention else ""
    if len(row) + len(near) + len(kinds) > width:
        kinds = f"; {len(model.attention)} kinds of attention" if len(model.attention) > 1 else ""
    shown = near + kinds if len(row) + len(near) + len(kinds) <= width else near
    return Text.assemble(row, (shown, "bright_black"))


def _near(similar: Similar) -> str:
    if similar.kinds:
        return f"{similar.model} (kinds of layers)"
    return f"{similar.model} ({similar.shared} of {similar.of} classes)"


def _short(number: int | None) -> str:
    """ "1.2M", "34k"."""
    if number is None:
        return "–"
    for limit, sign in ((1_000_000, "M"), (1_000, "k")):
        if number >= limit:
            return f"{number / limit:.1f}{sign}" if number < 10 * limit else f"{number // limit}{sign}"
    return str(number)
