"""Lines of `call` that no comparison ran."""

from __future__ import annotations

from checks.comparison.coverage import missed

SOURCE = '''
class TFThing(Layer):
    def __init__(self):
        self.a = 1

    def call(self, x, mask=None, flag=False):
        """Docs."""
        x = self.dense(
            x,
        )
        if mask is not None:
            x = x * mask
            x = x + 1
        elif flag:
            raise ValueError("no")
        else:
            logger.warning("nothing")
        for layer in self.layers:
            x = layer(x)
        return x
'''


def test_branches_that_never_ran_are_named_with_their_condition() -> None:
    (gap,) = missed(SOURCE, {8, 9, 11, 18, 19, 20})
    assert (gap.start, gap.end, gap.symbol, gap.test) == (12, 13, "TFThing.call", "mask is not None")


def test_a_method_that_never_ran_is_one_gap() -> None:
    (gap,) = missed(SOURCE, set())
    assert (gap.start, gap.end) == (8, 20)


def test_what_only_raises_or_warns_is_no_gap() -> None:
    assert not missed(SOURCE, {8, 11, 12, 13, 18, 19, 20})


def test_a_module_that_cannot_be_parsed_has_none() -> None:
    assert missed("def (", set()) == []
