"""The bibliography: complete, well-formed, and the same wherever a work is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from otoscope import InputError
from otoscope.citations import BIBLIOGRAPHY, Reference, cite, reference

REPOSITORY = Path(__file__).parents[1]
FOUR_WORKS = ("swam", "relevance", "sonification", "simplenet")
VENUES = {"Distill", "Interspeech", "Multimedia"}


@pytest.mark.parametrize("key", BIBLIOGRAPHY)
def test_a_reference_is_well_formed(key: str) -> None:
    work = BIBLIOGRAPHY[key]
    assert key in FOUR_WORKS or re.fullmatch(rf"[a-z]+{work.year}", key)
    for author in work.authors:
        assert re.fullmatch(r"[^,]+, ([A-Z]\.[- ]?)+|Anonymous authors|others", author), author
    assert 1900 < work.year < 2030
    for text in (work.title, work.venue):
        assert text == text.strip() and not text.endswith(".") and '"' not in text and "  " not in text
    assert not work.doi or re.fullmatch(r"10\.\d{4,5}/\S+", work.doi)
    assert not work.url or re.fullmatch(r"https://\S+", work.url)
    assert not (work.doi and work.url)


def test_no_two_works_are_the_same_or_cited_alike() -> None:
    works = BIBLIOGRAPHY.values()
    for values in ([work.label for work in works], [work.title.lower() for work in works]):
        assert len(set(values)) == len(values)
    dois = [work.doi.lower() for work in works if work.doi]
    assert len(set(dois)) == len(dois)


@pytest.mark.parametrize(
    ("authors", "label", "names"),
    [
        (("Yadav, S.",), "Yadav 2022", "S. Yadav (2022)."),
        (("Gupta, D.", "Abrol, V."), "Gupta and Abrol 2022", "D. Gupta and V. Abrol (2022)."),
        (("Hua, G.", "Teoh, A. B. J.", "Zhang, H."), "Hua et al. 2022", "G. Hua, A. B. J. Teoh and H. Zhang (2022)."),
        (("Anonymous authors",), "Anonymous authors 2022", "Anonymous authors (2022)."),
    ],
)
def test_authors_are_named(authors: tuple[str, ...], label: str, names: str) -> None:
    work = Reference(authors, 2022, "A title", "A venue 1(2), 3-4")
    assert work.label == label
    assert str(work) == f"{names} A title. A venue 1(2), 3-4."


def test_a_citation_holds_label_title_and_place_and_a_reference_the_address() -> None:
    assert cite("sonification") == f'Yadav 2022, "{BIBLIOGRAPHY["sonification"].title}"'
    assert cite("sonification", "eq. 6.1") == f"{cite('sonification')}, eq. 6.1"
    assert reference("sonification").endswith("University of Glasgow. https://theses.gla.ac.uk/82820/")
    assert "raw audio waveforms? Under review" in reference("simplenet")


@pytest.mark.parametrize("find", [cite, reference])
@pytest.mark.parametrize(("key", "advice"), [("swan", "did you mean swam?"), ("", "see BIBLIOGRAPHY for its keys")])
def test_an_unknown_key_is_refused_with_advice(find: object, key: str, advice: str) -> None:
    with pytest.raises(InputError, match=rf"the bibliography has no '{key}'; {re.escape(advice)}"):
        find(key)  # type: ignore[operator]


def test_the_four_works_have_the_same_titles_in_readme_and_citation_file() -> None:
    for name in ("README.md", "CITATION.cff"):
        text = " ".join((REPOSITORY / name).read_text(encoding="utf-8").split())
        for key in FOUR_WORKS:
            assert BIBLIOGRAPHY[key].title in text, f"{name} names {key} by another title"


def named_works() -> Iterator[tuple[str, str, str]]:
    """First author, year and file, wherever source or documentation name a work as "Hua, Teoh and Zhang (2021)"."""
    name = r"(?:[A-Z]\. )*((?:O')?[A-Z][a-zö]+)"
    others = rf"(?:(?: et al\.|(?:, {name})*(?: and| &) {name}),?)?"
    named = re.compile(rf"\b{name}{others} \(?((?:18|19|20)\d\d)\b")
    for folder in ("src", "docs", "recipes", "studies"):
        for path in sorted((REPOSITORY / folder).rglob("*")):
            if path.suffix in (".py", ".md", ".yaml") and path.name != "citations.py":
                text = re.sub(r"\s+(?:# )?", " ", path.read_text(encoding="utf-8"))
                for found in named.finditer(text):
                    yield found[1], found[found.re.groups], path.relative_to(REPOSITORY).as_posix()


def test_every_work_that_source_or_documentation_names_is_in_the_bibliography() -> None:
    known = {(work.authors[0].partition(",")[0], str(work.year)) for work in BIBLIOGRAPHY.values()}
    found = {(author, year): path for author, year, path in named_works() if author not in VENUES}
    assert len(found) > 25
    assert {work: path for work, path in found.items() if work not in known} == {}
