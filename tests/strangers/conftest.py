"""One thread for networks as small as these, and one seed before each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

LATER = {
    "test_the_trace_is_proved": """
        transposed_u_net codec
    """,
}
"""What is not yet right; it is not run."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    later = {f"{test}[{one}]" for test, names in LATER.items() for one in names.split()}
    config.hook.pytest_deselected(items=[item for item in items if item.name in later])
    items[:] = [item for item in items if item.name not in later]


@pytest.fixture(autouse=True)
def _small_and_seeded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
