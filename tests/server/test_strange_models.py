"""Models with answers that are no plain numbers, or that differ from one call to the next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from served import Browser, Served

MODELS = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.relu, self.out = nn.Conv1d(1, 4, 64, stride=8), nn.ReLU(), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(self.relu(self.conv(x[:, None] if x.ndim == 2 else x)).mean(-1))


class RuledOut(Net):
    def forward(self, x):
        y = super().forward(x)
        return torch.cat([y[:, :2], torch.full_like(y[:, 2:], -torch.inf)], 1)


class NotFinite(Net):
    def forward(self, x):
        return super().forward(x) * torch.nan


class Random(Net):
    def forward(self, x):
        return super().forward(x) + torch.randn(x.shape[0], 3)
"""
RULED_OUT, NOT_FINITE, RANDOM = "m1", "m2", "m3"


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    file = tmp_path_factory.mktemp("models") / "strange.py"
    file.write_text(MODELS)
    models = [f"{file}:{name}" for name in ("RuledOut", "NotFinite", "Random")]
    server = Served(*models, "--sample-rate", "8000")
    browser = Browser(server)
    try:
        yield browser
    finally:
        browser.close()
        server.end()


def asked(browser: Browser, kind: str, model: str) -> dict[str, Any]:
    sound = browser.sound(0.3, 8000)
    done = browser.answered(kind=kind, model=model, sound=sound["id"])
    assert browser.get("/api/jobs").status_code == browser.get("/api/state").status_code == 200
    return done


@pytest.mark.parametrize("kind", ["answer", "relevance", "page"])
def test_a_class_that_is_ruled_out_has_no_score(strange: Browser, kind: str) -> None:
    done = asked(strange, kind, RULED_OUT)
    assert done["state"] == "done", done["error"]
    if kind != "page":
        assert done["answer"]["logits"][2] is None and None not in done["answer"]["logits"][:2]
        assert done["answer"]["probabilities"][2] == 0
    if kind != "answer":
        assert strange.get(f"{done['page']}manifest.json").status_code == 200


@pytest.mark.parametrize("kind", ["answer", "relevance", "page", "maps"])
def test_an_answer_that_is_not_finite_is_said_to_be_so(strange: Browser, kind: str) -> None:
    more = {"layer": "conv"} if kind == "maps" else {}
    sound = strange.sound(0.3, 8000)
    done = strange.answered(kind=kind, model=NOT_FINITE, sound=sound["id"], **more)
    said = str(done["error"]) if done["state"] == "failed" else str(done.get("answer"))
    assert "not finite" in said or kind in ("page", "maps"), done
    assert strange.get("/api/state").status_code == strange.get("/api/jobs").status_code == 200


@pytest.mark.parametrize("kind", ["answer", "relevance", "page"])
def test_a_model_that_draws_random_numbers_is_said_to(strange: Browser, kind: str) -> None:
    done = asked(strange, kind, RANDOM)
    assert done["notes"] == ["Random draws random numbers as it runs, so that this is one of many answers"]
    assert asked(strange, kind, RULED_OUT)["notes"] == []
