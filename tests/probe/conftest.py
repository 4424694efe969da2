"""Make the small models of ``probe_zoo`` importable; every test starts from one seed and takes one thread."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def _small_and_seeded() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # faster for models as small as these
    torch.manual_seed(0)
    yield
    torch.set_num_threads(threads)
