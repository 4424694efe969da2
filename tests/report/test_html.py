"""One page that holds everything: escaped, self-contained, well-formed, and its sounds decode to what went in."""

from __future__ import annotations

import base64
import io
import re
import warnings
from html.parser import HTMLParser

import matplotlib.figure
import numpy as np
import pytest
import soundfile

from otoscope.errors import InputError
from otoscope.report.html import (
    Figure,
    Heading,
    Note,
    Player,
    Section,
    Table,
    encode_picture,
    render,
)

EVIL = """<script>alert("1")</script>'&.wav"""
VOID = {"meta", "img", "link", "br", "hr", "input", "wbr"}


class Page(HTMLParser):
    """Elements, text and loads of a page; fails on tags that do not match."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def decoded(source: str | None) -> tuple[np.ndarray, int]:
    content = base64.b64decode(str(source).partition("base64,")[2])
    samples, rate = soundfile.read(io.BytesIO(content))
    return samples, rate


def picture() -> matplotlib.figure.Figure:
    figure = matplotlib.figure.Figure(figsize=(2, 1), dpi=200)
    figure.subplots().plot([0, 1])
    return figure


def sine(seconds: float = 1.0, rate: int = 8000, amplitude: float = 0.5) -> np.ndarray:
    return amplitude * np.sin(2 * np.pi * 440 * np.arange(round(seconds * rate)) / rate)


def full_page() -> str:
    body = [
        Heading(EVIL),
        Note(EVIL),
        Figure(picture(), EVIL, EVIL, Player(EVIL, sine(), 8000)),
        Player(EVIL, sine(), 8000),
        Table([EVIL, "n"], [[EVIL, 1.5]], EVIL),
    ]
    return render(EVIL, [Section(EVIL, EVIL, EVIL, EVIL, body)], {EVIL: EVIL}, notes=[EVIL])


def test_page_is_well_formed() -> None:
    page = Page(full_page())
    assert page.tags[0] == ("html", {"lang": "en"})
    assert [len(page.all(tag)) for tag in ("h1", "h2", "h3", "img", "audio", "table", "section")] == [
        1, 1, 1, 1, 2, 1, 1,
    ]  # fmt: skip
    assert any(attrs.get("name") == "viewport" for attrs in page.all("meta"))


def test_every_text_is_escaped() -> None:
    source = full_page()
    page = Page(source)
    assert page.all("script") == []
    assert "<script" not in source
    # Title twice, fact, note, link, heading, sentence, source, made, ... all read back as what was given.
    assert page.text.count(EVIL) >= 15
    assert page.all("img")[0]["alt"] == EVIL
    assert page.all("audio")[0]["aria-label"] == EVIL


def test_nothing_is_loaded_from_elsewhere() -> None:
    source = full_page()
    page = Page(source)
    for tag, attrs in page.tags:
        assert tag not in {"script", "link", "iframe", "object", "base"}
        for name in ("src", "href", "srcset", "poster", "data"):
            assert str(attrs.get(name, "#")).startswith(("data:", "#")), (tag, name)
        assert not any(name.startswith("on") or name == "style" for name in attrs)
    assert not re.search(r"https?://|url\(|@import", source)
    policy = next(attrs["content"] for attrs in page.all("meta") if "http-equiv" in attrs)
    assert str(policy).startswith("default-src 'none'")


def test_links_lead_to_sections_even_of_the_same_title() -> None:
    page = Page(render("t", [Section("Same", "a"), Section("Same", "b"), Section("βµ", "c")]))
    links = [str(attrs["href"]).removeprefix("#") for attrs in page.all("a")]
    assert links == [attrs["id"] for attrs in page.all("section")]
    assert len(set(links)) == 3


def test_page_without_sections() -> None:
    page = Page(render("Nothing", []))
    assert "Nothing" in page.text
    assert page.all("nav") == []


@pytest.mark.parametrize("samples", [sine(), np.zeros(8000), np.random.default_rng(0).uniform(-1, 1, 8000)])
def test_sound_decodes_to_what_went_in(samples: np.ndarray) -> None:
    page = Page(render("t", [Section("s", "s", body=[Player("p", samples, 8000)])]))
    back, rate = decoded(page.all("audio")[0]["src"])
    assert rate == 8000
    assert back.shape == samples.shape
    # Half a step of 16 bits; full scale itself is a step too high.
    np.testing.assert_allclose(back, np.minimum(samples, 32767 / 32768), atol=0.501 / 32768, rtol=0)


def test_long_sound_is_cut_and_says_so() -> None:
    page = Page(render("t", [Section("s", "s", body=[Player("p", sine(61.5, 1000), 1000)])]))
    assert "the first 60 s of 61.5 s" in page.text
    assert decoded(page.all("audio")[0]["src"])[0].size == 60_000


def test_loud_sound_is_scaled_and_says_so() -> None:
    page = Page(render("t", [Section("s", "s", body=[Player("p", sine(amplitude=2.0), 8000)])]))
    assert "scaled down by 6.0 dB" in page.text
    back, _ = decoded(page.all("audio")[0]["src"])
    np.testing.assert_allclose(back, sine(amplitude=1.0), atol=0.005)


def test_sound_of_two_channels_is_heard_in_both() -> None:
    both = np.stack([sine(), 0.25 * sine()])
    page = Page(render("t", [Section("s", "s", body=[Player("p", both, 8000)])]))
    np.testing.assert_allclose(decoded(page.all("audio")[0]["src"])[0].T, both, atol=1e-4)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros((1, 2, 5)), np.array([np.nan])])
def test_sound_that_cannot_be_played(samples: np.ndarray) -> None:
    with pytest.raises(InputError, match="'p' cannot be played"):
        render("t", [Section("s", "s", body=[Player("p", samples, 8000)])])


def test_picture_has_two_dots_for_each_pixel_of_the_page() -> None:
    from PIL import Image

    figure = picture()
    image = Page(render("t", [Section("s", "s", body=[Figure(figure, "alt")])])).all("img")[0]
    assert (image["width"], image["height"]) == ("200", "100")
    content = base64.b64decode(str(image["src"]).partition("base64,")[2])
    assert Image.open(io.BytesIO(content)).size == (400, 200)


def test_fewer_colours_are_not_seen() -> None:
    from PIL import Image

    figure = matplotlib.figure.Figure(figsize=(2, 1), dpi=200)
    ramp = np.linspace(0, 1, 300)
    figure.subplots().pcolormesh(np.outer(ramp, ramp), cmap="magma", rasterized=True)
    exact = io.BytesIO()
    figure.savefig(exact, format="png")
    small = encode_picture(figure)
    difference = np.asarray(Image.open(exact).convert("RGB"), dtype=float) - np.asarray(
        Image.open(io.BytesIO(small)).convert("RGB")
    )
    assert len(small) < len(exact.getvalue())
    assert np.abs(difference).mean() < 2


def test_table_aligns_numbers_and_marks_what_is_missing() -> None:
    rows = [["a", 1, 0.34567, None], ["b", 23, float("nan"), 12345.678]]
    source = render("t", [Section("s", "s", body=[Table(["name", "n", "x", "y"], rows)])])
    page = Page(source)
    assert [attrs.get("class") for attrs in page.all("th")] == [None, "number", "number", "number"]
    cells = re.findall(r"<td[^>]*>(.*?)</td>", source)
    assert cells == ["a", "1", "0.3457", "–", "b", "23", "–", "12346"]


def test_lines_of_sentences_are_broken_in_a_table_and_names_are_not() -> None:
    said, name = "The harmonics that ReLU adds are few.", "features.block1.convolution.weight"
    page = render("T", [Section("S", "", body=[Table(("claim", "layer"), [[said, name]])])], {})
    assert f'<td class="text">{said}</td><td>{name}</td>' in page


def test_table_of_uneven_rows() -> None:
    with pytest.raises(InputError, match="2 columns has a row of 3"):
        render("t", [Section("s", "s", body=[Table(["a", "b"], [[1, 2, 3]])])])


def test_style_serves_telephone_print_and_dark() -> None:
    source = render("t", [])
    for rule in ("max-width: 40rem", "@media print", "prefers-color-scheme: dark", "background: #fff"):
        assert rule in source


def test_no_warnings() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert full_page()


def test_names_are_broken_after_their_dots_alone_and_numbers_never() -> None:
    page = render(
        "page",
        [
            Section(
                "s", "", body=[Table(["name", "value"], [["features.conv10", 0.25], ["1.5", "v.2"], ["v.2", "a.wav"]])]
            )
        ],
    )
    assert (
        ">features.<wbr>conv10<" in page
        and ">0.25<" in page
        and ">1.5<" in page
        and ">v.2<" in page
        and ">a.wav<" in page
    )


def test_the_caption_of_a_table_stands_outside_of_what_is_scrolled() -> None:
    page = render("page", [Section("s", "", body=[Table(["a"], [[1]], "What <a> is.")])])
    assert '<figure><figcaption>What &lt;a&gt; is.</figcaption><div class="wide"><table>' in page
