"""The program that holds a model and answers questions about it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from typing import Any

import torch

from otoscope.processes.copied import can_be_copied
from otoscope.server.answering import answered
from otoscope.server.bench import Tell, work_on
from otoscope.server.models import Models, model_facts
from otoscope.server.tasks import Begin, Task


def main() -> None:
    work_on(_begin, copied=can_be_copied, fresh=False)


def _begin(begin: Begin) -> tuple[Callable[[Any, Tell], Any], dict[str, Any]]:
    torch.set_num_threads(1)  # threads of this process would not be in its copies
    with suppress(ImportError):
        import_module("sympy")  # as torch does on the first way back, which takes half a second: copies have it
    models = Models(begin.given)
    facts = model_facts(models.scope(begin.first, None), models.labels(begin.first))

    def do(task: Task, tell: Tell) -> Any:
        torch.set_num_threads(begin.threads)
        return answered(models, task, tell)

    return do, facts
