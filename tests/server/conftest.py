"""One server for most tests, and browsers that know its address."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from served import Browser, Served


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    server = Served("vowel-name", "vowel-register")
    try:
        yield server
    finally:
        server.end()


@pytest.fixture
def open_browser(served: Served) -> Iterator[Callable[[], Browser]]:
    opened: list[Browser] = []

    def open_one() -> Browser:
        opened.append(Browser(served))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def browser(open_browser: Callable[[], Browser]) -> Browser:
    return open_browser()
