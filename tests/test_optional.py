"""Optional packages are imported when they are needed, and named with their extra where they are missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from otoscope.errors import InputError
from otoscope.optional import needs


def test_a_module_is_imported() -> None:
    import json.decoder

    assert needs("json.decoder", extra="sweep") is json.decoder


@pytest.mark.parametrize(
    ("module", "package"), [("pyarrow", "pyarrow"), ("pyarrow.parquet", "pyarrow"), ("sklearn.svm", "scikit-learn")]
)
def test_a_missing_package_is_named_with_its_extra(module: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    top = module.partition(".")[0]
    for name in [top, *(name for name in sys.modules if name.startswith(f"{top}."))]:
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    with pytest.raises(InputError, match=rf"^a sweep needs {package}: pip install 'otoscope\[sweep\]'$"):
        needs(module, extra="sweep", purpose="a sweep")


def test_a_package_that_lacks_the_module_is_too_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "an_old_package").mkdir()
    (tmp_path / "an_old_package/__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"no module an_old_package.new\): pip install --upgrade 'otoscope\[hf\]'"):
        needs("an_old_package.new", extra="hf")


def test_a_broken_package_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a_broken_package.py").write_text("raise ImportError('libssl.so.1 is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError, match=r"cannot be imported \(libssl.so.1 is missing\)"):
        needs("a_broken_package", extra="sweep")
