"""The suite itself: what each make target runs, what the tests on a GPU need, and tests run in the background."""

from __future__ import annotations

import ast
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TESTS = sorted((ROOT / "tests").rglob("*.py"))
CUDA = [path for path in TESTS if path.name == "test_cuda.py"]
CORE = {"numpy", "torch", "xarray", "pytest", "otoscope", "probe_zoo"}
"""What a test on a GPU may import, beside the standard library."""
EXTRAS = (
    "anywidget", "axe_playwright_python", "captum", "duckdb", "httpx", "huggingface_hub", "hypothesis", "lightning",
    "nbclient", "parselmouth", "playwright", "pyarrow", "pydantic", "ray", "sklearn", "starlette", "tensorboard",
    "transformers", "uvicorn", "xdist", "yaml",
)  # fmt: skip


def selection(target: str, *variables: str) -> str:
    """The commands of a make target; what installs is left out."""
    plain = {name: value for name, value in os.environ.items() if name not in ("MAKEFLAGS", "MFLAGS", "PYTHON")}
    command = ["make", "-n", "-C", ROOT, target, *variables]
    ran = subprocess.run(command, env=plain, capture_output=True, text=True, check=True)
    return "\n".join(line for line in ran.stdout.splitlines() if "pytest" in line)


def test_every_marker_belongs_to_one_target() -> None:
    listed = (ROOT / "pyproject.toml").read_text("utf-8").partition("markers = [")[2].partition("\n]")[0]
    markers = set(re.findall(r'^  "(\w+)', listed, re.MULTILINE))
    assert markers == {"slow", "ray", "browser", "strangers", "kill", "study", "cuda", "replica"}
    long = " or ".join(["slow", "ray", "browser", "strangers", "kill", "study"])
    assert f'-m "not ({long} or cuda)"' in selection("test")
    assert f'-m "({long}) and not cuda"' in selection("test-all")
    assert "-m cuda " in selection("test-cuda")


def test_a_gpu_is_tried_with_the_python_that_is_named() -> None:
    own = selection("test-cuda", "PYTHON=/opt/gpu/bin/python")
    assert "/opt/gpu/bin/python -m pytest" in own and ".venv" not in own
    assert ".venv/bin/python -m pytest" in selection("test-cuda")
    assert all(path.relative_to(ROOT).as_posix() in own for path in CUDA)


def test_tests_on_a_gpu_are_in_files_of_their_own() -> None:
    marked = [path for path in TESTS if re.search(r"mark\.cuda\b", path.read_text("utf-8"))]
    assert [path for path in marked if path != Path(__file__)] == CUDA


def test_tests_on_a_gpu_need_nothing_but_the_core() -> None:
    """Here as there: collected, and skipped where there is no GPU, with all that is optional out of reach."""
    for path in CUDA:
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        names = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        names += [str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)]
        assert {name.partition(".")[0] for name in names} <= CORE | sys.stdlib_module_names, path
    hide = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS})); import pytest; "
    run = "sys.exit(pytest.main(['-q', '-p', 'no:cacheprovider', '-m', 'cuda', *sys.argv[1:]]))"
    ran = subprocess.run(
        [sys.executable, "-c", hide + run, *CUDA, "--co"],
        cwd=ROOT,
        env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def interrupt_a_child() -> int:
    child = subprocess.Popen(
        [sys.executable, "-c", "import time; print(flush=True); time.sleep(30); raise SystemExit(0)"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert child.stdout is not None
    child.stdout.readline()
    child.send_signal(signal.SIGINT)
    return child.wait(timeout=40)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_what_tests_start_can_be_interrupted() -> None:
    assert interrupt_a_child() == -signal.SIGINT


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_what_tests_start_can_be_interrupted_in_the_background() -> None:
    """As from a script, whose ``pytest &`` has SIGINT ignored."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        this = f"{__file__}::{test_what_tests_start_can_be_interrupted.__name__}"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", this]
        ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    finally:
        signal.signal(signal.SIGINT, before)
    assert ran.returncode == 0, ran.stdout
