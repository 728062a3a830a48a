"""The picture of the difference along the depth."""

from __future__ import annotations

from xml.etree import ElementTree

from checks.comparison.plot import plot

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    return ["".join(e.itertext()) for e in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_the_first_layer_that_differs_is_marked() -> None:
    profile = [("embeddings", 0.0), ("layer.0", 2e-15), ("layer.1", 3e-4), ("layer.2", 5e-3), ("head", None)]
    marks = [text for text in texts(plot("TFBertModel", profile)) if "starts here" in text]
    assert marks == ["starts here: layer.1 (3e-4)"]


def test_equal_models_have_no_mark() -> None:
    assert not [t for t in texts(plot("TFBertModel", [("a", 1e-16), ("b", 0.0)])) if "starts" in t]


def test_what_is_larger_lies_higher() -> None:
    root = ElementTree.fromstring(plot("TFX", [("a", 1e-12), ("b", 1e-6), ("c", 1.0), ("d", None)]))
    heights = [float(c.attrib["cy"]) for c in root.iter(f"{SVG}circle") if c.attrib["r"] == "3"]
    assert heights == sorted(heights, reverse=True)
    assert len(set(heights)) == 4


def test_names_of_strangers_are_text() -> None:
    svg = plot("<script>alert(1)</script>", [("a\x1b[31m<b>&", 1.0)])
    assert "<script>" not in svg
    ElementTree.fromstring(svg)
