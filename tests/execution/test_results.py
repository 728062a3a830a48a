"""Records are a stranger's bytes."""

from __future__ import annotations

import pytest

from checks.execution.results import Malformed, decode_list, decode_object


@pytest.mark.parametrize(
    ("record", "why"),
    [
        (b"", "not JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"{", "not JSON"),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": Infinity}', "Infinity is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": 1e999}', "a number is too large"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a number is too long"),
        (b'{"a": 0.' + b"9" * 5000 + b"}", "a number is too long"),
        (b'{"a": 1, "a": 2}', "a key is there twice"),
        (b'{"a": ' + b"[" * 40 + b"]" * 40 + b"}", "nested too deeply"),
        (b"[" * 1_000_000, "nested too deeply"),
        (b'{"a":' * 200_000, "nested too deeply"),
        (b"[1]", "not a JSON object"),
        (b'"text"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b'{"a": 1} {"a": 2}', "not JSON"),
    ],
)
def test_what_is_no_record(record: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=f"^{why}$"):
        decode_object(record)


def test_what_is_one() -> None:
    record = '{"node": "a::b[ü]", "n": [1, -2.5e-8, null, true], "deep": [[[[{}]]]]}'
    assert decode_object(record.encode()) == {
        "node": "a::b[ü]",
        "n": [1, -2.5e-8, None, True],
        "deep": [[[[{}]]]],
    }
    assert decode_list(b'["a", {"b": []}]') == ["a", {"b": []}]
    with pytest.raises(Malformed, match="list"):
        decode_list(b"{}")
