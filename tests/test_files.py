"""Files and folders are written whole or not at all, and nothing that Otoscope did not write is removed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from otoscope import InputError
from otoscope._version import __version__
from otoscope.files import (
    MANIFEST,
    SUMMARY,
    check_folder,
    make_folder,
    whole_file,
    whole_folder,
    write_new,
    write_summary,
    write_text,
)

ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="permissions and signals of POSIX")
FULL = OSError(errno.ENOSPC, "No space left on device")


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below a folder: contents of files, targets of links."""
    found: dict[str, bytes | str | None] = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        found[name] = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
    return found


def write_result(folder: Path, text: str = "new") -> None:
    with whole_folder(folder, "inspect") as part:
        (part / "report.html").write_text(text)
        write_summary(part, "inspect", {"text": text})


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def permissions(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# -- Files ------------------------------------------------------------------------------------------------


def test_a_file_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_text("old")
    with whole_file(path) as part:
        part.write_text("new")
        assert path.read_text() == "old"
        assert part.parent == tmp_path and part.stat().st_dev == path.stat().st_dev
    assert tree(tmp_path) == {"a.nc": b"new"}


@pytest.mark.parametrize("name", ["a.nc", ".hidden.json", "x" * 255, "é" * 127, "no suffix"])
def test_a_part_has_a_unique_name_that_no_reader_looks_for(name: str, tmp_path: Path) -> None:
    with whole_file(tmp_path / name) as one, whole_file(tmp_path / name) as other:
        assert one != other
        for part in (one, other):
            assert not part.name.startswith(".") and part.suffix == ".part"
    assert list(tree(tmp_path)) == [name]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), ValueError("no"), MemoryError()])
@pytest.mark.parametrize("old", [{}, {"a.nc": b"old"}])
def test_a_block_that_raises_leaves_what_was_there(error: BaseException, old: dict[str, bytes], tmp_path: Path) -> None:
    for name, content in old.items():
        (tmp_path / name).write_bytes(content)

    def interrupted() -> None:
        with whole_file(tmp_path / "a.nc") as part:
            part.write_text("half")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert tree(tmp_path) == old


@pytest.mark.parametrize("step", ["fsync", "replace", "write"])
def test_a_full_disk_is_said_and_leaves_what_was_there(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise FULL

    path = tmp_path / "a.nc"
    path.write_text("old")
    monkeypatch.setattr(
        *{"fsync": (os, "fsync"), "replace": (os, "replace"), "write": (Path, "write_text")}[step], fail
    )
    with pytest.raises(InputError, match=r"cannot write .*a\.nc: No space left on device; make room"):
        write_text(path, "new")
    assert tree(tmp_path) == {"a.nc": b"old"}


@ON_POSIX
def test_a_disk_that_truly_refuses_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    path.write_text("old")
    code = (
        "import resource, sys; from otoscope.files import write_text\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); write_text(sys.argv[1], 'x' * 5000)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert f"InputError: cannot write {path}: File too large; choose another disk" in ended.stderr
    assert tree(tmp_path) == {"a.nc": b"old"}


def test_an_error_of_another_file_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"missing\.wav"), whole_file(tmp_path / "a.nc"):
        (tmp_path / "missing.wav").read_bytes()
    assert tree(tmp_path) == {}


def test_bytes_are_on_the_disk_before_the_name_is_and_then_the_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace"):
        true = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, name=name, true=true: (calls.append(name), true(*given))[1])
    write_text(tmp_path / "a.nc", "new")
    assert calls == ["fsync", "replace", "fsync"]


@ON_POSIX
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions_are_those_of_an_ordinary_file(mask: int, tmp_path: Path) -> None:
    with umask(mask):
        (tmp_path / "ordinary").write_text("x")
        write_text(tmp_path / "ours", "x")
        (tmp_path / "ordinary folder").mkdir()
        write_result(tmp_path / "our folder")
    assert permissions(tmp_path / "ours") == permissions(tmp_path / "ordinary")
    assert permissions(tmp_path / "our folder") == permissions(tmp_path / "ordinary folder")


@ON_POSIX
def test_a_private_file_or_folder_stays_private(tmp_path: Path) -> None:
    write_text(tmp_path / "file", "old")
    write_result(tmp_path / "folder", "old")
    (tmp_path / "file").chmod(0o600)
    (tmp_path / "folder").chmod(0o700)
    write_text(tmp_path / "file", "new")
    write_result(tmp_path / "folder", "new")
    assert [permissions(tmp_path / name) for name in ("file", "folder")] == [0o600, 0o700]


def test_through_a_link_its_target_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/a.nc").write_text("old")
    (tmp_path / "link.nc").symlink_to("elsewhere/a.nc")
    write_text(tmp_path / "link.nc", "new")
    assert tree(tmp_path) == {"elsewhere": None, "elsewhere/a.nc": b"new", "link.nc": "elsewhere/a.nc"}


def link_to_nothing(path: Path) -> None:
    path.symlink_to("gone.nc")


def link_to_itself(path: Path) -> None:
    path.symlink_to(path.name)


@pytest.mark.parametrize("write", [lambda path: write_text(path, "x"), write_result, make_folder])
@pytest.mark.parametrize("link", [link_to_nothing, link_to_itself])
def test_a_link_to_nothing_is_refused(
    link: Callable[[Path], None], write: Callable[[Path], Any], tmp_path: Path
) -> None:
    link(tmp_path / "link.nc")
    before = tree(tmp_path)
    with pytest.raises(InputError, match=r"link\.nc: it is a link to .*nc, which does not exist; remove the link or"):
        write(tmp_path / "link.nc")
    assert tree(tmp_path) == before


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "the name of what is to be written is empty"),
        ("folder", r"folder: it is a folder; give the name of a file"),
        ("missing/a.nc", r"missing/a\.nc: the folder .*missing does not exist; make it or choose another"),
        ("file/a.nc", r"file/a\.nc: .*file is not a folder; choose another"),
        ("file/deep/a.nc", r"file/deep/a\.nc: .*file is not a folder; choose another"),
        ("y" * 256, r"y: File name too long; choose a shorter name"),
        ("read-only", r"read-only: the file is read-only"),
        ("pipe", r"pipe: it is not a regular file"),
    ],
)
@ON_POSIX
def test_names_that_cannot_be_files(name: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("mine")
    (tmp_path / "read-only").write_text("mine")
    os.mkfifo(tmp_path / "pipe")
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "read-only" and access(path, mode))  # root
    before = set(tmp_path.rglob("*"))
    with pytest.raises(InputError, match=message):
        write_text(name and tmp_path / name, "x")
    assert set(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc, which not even root can write to")
@pytest.mark.parametrize("write", [lambda path: write_text(path, "x"), write_result, make_folder])
def test_a_folder_that_cannot_be_written(write: Callable[[Path], Any]) -> None:
    with pytest.raises(InputError, match=r"cannot write /proc/otoscope.*; (make it or )?choose"):
        write(Path("/proc/otoscope"))


@ON_POSIX
@pytest.mark.skipif(os.name == "posix" and os.geteuid() == 0, reason="root may write everywhere")
@pytest.mark.parametrize("write", [lambda path: write_text(path, "x"), write_result, make_folder])
def test_a_read_only_folder(write: Callable[[Path], Any], tmp_path: Path) -> None:
    (tmp_path / "locked").mkdir(mode=0o500)
    with pytest.raises(InputError, match=r"locked/out: Permission denied; choose a folder that can be written"):
        write(tmp_path / "locked/out")


def test_permission_denied_names_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Any, *_: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match=r"a\.nc: Permission denied; choose a folder that can be written"):
        write_text(tmp_path / "a.nc", "x")


# -- Folders ----------------------------------------------------------------------------------------------


def test_a_folder_appears_only_when_it_is_whole(tmp_path: Path) -> None:
    out = tmp_path / "new/deep/out"
    with whole_folder(out, "inspect") as part:
        write_text(part / "report.html", "new")
        assert part.parent == out.parent and not out.exists()
        assert not part.name.startswith(".") and part.suffix == ".part"
        summary = write_summary(part, "inspect", {"clips": 3})
    assert summary == {"clips": 3, MANIFEST: {"command": "inspect", "version": __version__, "files": ["report.html"]}}
    assert json.loads((out / SUMMARY).read_text()) == summary
    assert set(tree(tmp_path)) == {
        "new",
        "new/deep",
        "new/deep/out",
        f"new/deep/out/{SUMMARY}",
        "new/deep/out/report.html",
    }


@pytest.mark.parametrize("manifest", [{"files": ["report.html"]}, {"command": 1, "files": ["report.html"]}, ["a"]])
def test_a_list_of_files_that_names_no_command_makes_no_folder_replaceable(manifest: Any, tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text("mine")
    (tmp_path / SUMMARY).write_text(json.dumps({MANIFEST: manifest}))
    with pytest.raises(InputError, match=r"holds report\.html, no part of an earlier result"):
        write_result(tmp_path)
    assert (tmp_path / "report.html").read_text() == "mine"


def test_what_another_command_wrote_is_neither_replaced_nor_added_to(tmp_path: Path) -> None:
    write_result(tmp_path / "out")
    before = tree(tmp_path)
    refused = "out holds what otoscope inspect wrote; choose a new or empty folder"
    with pytest.raises(InputError, match=refused), whole_folder(tmp_path / "out", "export"):
        pytest.fail("it is refused only after the work")
    for refuses in (lambda: check_folder(tmp_path / "out", "export"), lambda: make_folder(tmp_path / "out")):
        with pytest.raises(InputError, match=refused):
            refuses()
    assert tree(tmp_path) == before


def test_what_another_command_wrote_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="otoscope inspect wrote"), whole_folder(tmp_path / "out", "export"):
        write_result(tmp_path / "out")
    assert set(tree(tmp_path)) == {"out", f"out/{SUMMARY}", "out/report.html"}


def test_an_empty_folder_is_used_also_as_the_present_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.chdir(tmp_path / "out")
    write_result(Path("."))
    assert set(tree(tmp_path)) == {"out", f"out/{SUMMARY}", "out/report.html"}


def test_an_earlier_result_is_replaced_file_by_file(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "out", "inspect") as part:
        (part / "old.nc").write_text("old")
        write_summary(part, "inspect", {})
    write_result(tmp_path / "out")
    assert set(tree(tmp_path / "out")) == {SUMMARY, "report.html"}
    assert set(tree(tmp_path)) == {"out", f"out/{SUMMARY}", "out/report.html"}


def test_through_a_link_the_folder_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "true").mkdir()
    (tmp_path / "link").symlink_to("true")
    for text in ("one", "two"):
        write_result(tmp_path / "link", text)
    assert os.readlink(tmp_path / "link") == "true"
    assert set(tree(tmp_path)) == {"link", "true", f"true/{SUMMARY}", "true/report.html"}
    assert (tmp_path / "link/report.html").read_text() == "two"


def a_file_beside(out: Path) -> None:
    write_result(out)
    (out / "my notes.txt").write_text("mine")


def an_empty_folder_inside(out: Path) -> None:
    write_result(out)
    (out / "other").mkdir()


def a_folder_under_a_listed_name(out: Path) -> None:
    write_result(out)
    (out / "report.html").unlink()
    (out / "report.html").mkdir()
    (out / "report.html/thesis.tex").write_text("mine")


def a_link_under_a_listed_name(out: Path) -> None:
    write_result(out)
    (out.parent / "thesis.tex").write_text("mine")
    (out / "report.html").unlink()
    (out / "report.html").symlink_to(out.parent / "thesis.tex")


def a_link_to_a_summary(out: Path) -> None:
    write_result(out.parent / "other")
    out.mkdir()
    (out / SUMMARY).symlink_to(out.parent / "other" / SUMMARY)


def a_folder_of_ones_own(out: Path) -> None:
    out.mkdir()
    (out / "thesis.tex").write_text("mine")


def a_summary_of_another_tool(out: Path) -> None:
    """Another program lists the user's files in a summary.json, as an inspection once did."""
    a_folder_of_ones_own(out)
    (out / "data").mkdir()
    (out / "data/a.wav").write_text("mine")
    (out / SUMMARY).write_text(json.dumps({"files": ["thesis.tex", "data"], "otoscope": __version__, "manifest": []}))


def a_summary_that_is_a_list(out: Path) -> None:
    a_folder_of_ones_own(out)
    (out / SUMMARY).write_text('["thesis.tex"]')


def a_result_in_a_subfolder(out: Path) -> None:
    write_result(out / "clip")


def a_regular_file(out: Path) -> None:
    out.write_text("mine")


STRANGERS = [
    a_file_beside, an_empty_folder_inside, a_folder_under_a_listed_name, a_link_under_a_listed_name,
    a_link_to_a_summary, a_folder_of_ones_own, a_summary_of_another_tool, a_summary_that_is_a_list,
    a_result_in_a_subfolder, a_regular_file,
]  # fmt: skip


@pytest.mark.parametrize("strangers", STRANGERS)
@pytest.mark.parametrize("name", ["out", "link", "."])
def test_what_otoscope_did_not_write_is_refused_and_untouched(
    strangers: Callable[[Path], None], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    strangers(out)
    (tmp_path / "link").symlink_to("out")
    if name == "." and out.is_dir():
        monkeypatch.chdir(out)
    elif name == ".":
        pytest.skip("a file is not the present folder")
    before = tree(tmp_path)
    refused = pytest.raises(InputError, match=r"choose a new or empty folder|it is a file; give the name of a folder")
    with refused, whole_folder("." if name == "." else tmp_path / name, "inspect"):
        pytest.fail("it is refused only after the work")
    assert tree(tmp_path) == before


@pytest.mark.parametrize("strangers", [a_file_beside, a_folder_of_ones_own, a_regular_file])
def test_strangers_that_come_during_the_work_are_untouched(strangers: Callable[[Path], None], tmp_path: Path) -> None:
    def overtaken() -> None:
        with whole_folder(tmp_path / "out", "inspect"):
            strangers(tmp_path / "out")

    strangers(tmp_path / "out")
    before = tree(tmp_path)
    shutil.rmtree(tmp_path / "out") if (tmp_path / "out").is_dir() else (tmp_path / "out").unlink()
    with pytest.raises(InputError, match="choose a new or empty folder"):
        overtaken()
    assert tree(tmp_path) == before


def write_nested(folder: Path, text: str = "new") -> None:
    with whole_folder(folder, "inspect") as part:
        (part / "parts/deep").mkdir(parents=True)
        for name in ("index.html", "parts/a.js", "parts/deep/b.js"):
            (part / name).write_text(text)
        write_summary(part, "inspect", {})


def test_folders_of_files_in_a_folder_are_replaced_with_it(tmp_path: Path) -> None:
    write_nested(tmp_path / "out", "old")
    write_nested(tmp_path / "out", "new")
    found = tree(tmp_path)
    files = {"out/index.html", "out/parts/a.js", "out/parts/deep/b.js"}
    assert set(found) == {"out", "out/parts", "out/parts/deep", f"out/{SUMMARY}", *files}
    assert {found[name] for name in files} == {b"new"}
    write_result(tmp_path / "out")
    assert set(tree(tmp_path)) == {"out", "out/report.html", f"out/{SUMMARY}"}


@pytest.mark.parametrize("stranger", ["parts/mine.txt", "parts/deep/mine.txt", "parts/other/mine.txt", "more/mine.txt"])
def test_what_lies_in_a_folder_of_a_result_is_not_removed(stranger: str, tmp_path: Path) -> None:
    write_nested(tmp_path / "out")
    (tmp_path / "out" / stranger).parent.mkdir(exist_ok=True)
    (tmp_path / "out" / stranger).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(InputError, match=f"out holds {stranger.removesuffix('/mine.txt')}.*choose a new"):
        write_nested(tmp_path / "out")
    assert tree(tmp_path) == before


def test_a_link_to_a_folder_is_not_followed_when_it_is_replaced(tmp_path: Path) -> None:
    write_nested(tmp_path / "out")
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/a.js").write_text("mine")
    shutil.rmtree(tmp_path / "out/parts")
    (tmp_path / "out/parts").symlink_to(tmp_path / "thesis")
    with pytest.raises(InputError, match="out holds parts"):
        write_nested(tmp_path / "out")
    assert (tmp_path / "thesis/a.js").read_text() == "mine"


def test_names_in_a_manifest_reach_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("mine")
    (tmp_path / "out").mkdir()
    listed = {"command": "inspect", "files": ["../thesis.tex", str(tmp_path / "thesis.tex"), ".."]}
    (tmp_path / "out" / SUMMARY).write_text(json.dumps({MANIFEST: listed}))
    write_result(tmp_path / "out")
    assert (tmp_path / "thesis.tex").read_text() == "mine"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1), ValueError("no")])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_folder_whose_block_raises_leaves_what_was_there(error: BaseException, earlier: bool, tmp_path: Path) -> None:
    if earlier:
        write_result(tmp_path / "new/out", "old")
    before = tree(tmp_path)

    def interrupted() -> None:
        with whole_folder(tmp_path / "new/out", "inspect") as part:
            (part / "report.html").write_text("half")
            raise error

    with pytest.raises(type(error)):
        interrupted()
    assert tree(tmp_path) == before


@pytest.mark.parametrize("error", [FULL, KeyboardInterrupt()])
@pytest.mark.parametrize("step", [1, 2])
def test_the_earlier_folder_returns_when_a_rename_fails(
    step: int, error: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_result(tmp_path / "out", "old")
    before, rename, calls = tree(tmp_path), os.rename, []

    def fail(one: Path, other: Path) -> None:
        calls.append(one)
        if len(calls) == step:
            raise error
        rename(one, other)

    monkeypatch.setattr(os, "rename", fail)
    with pytest.raises(InputError if error is FULL else KeyboardInterrupt):
        write_result(tmp_path / "out")
    assert tree(tmp_path) == before


def test_a_full_disk_while_a_folder_is_flushed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: int) -> None:
        raise FULL

    def write() -> None:
        with whole_folder(tmp_path / "out", "inspect") as part:
            (part / "report.html").write_text("new")
            monkeypatch.setattr(os, "fsync", fail)

    write_result(tmp_path / "out", "old")
    before = tree(tmp_path)
    with pytest.raises(InputError, match=r"cannot write .*out: No space left on device; make room"):
        write()
    assert tree(tmp_path) == before


def test_a_full_disk_while_a_file_of_a_folder_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise FULL

    def write() -> None:
        with whole_folder("out", "inspect") as part:
            write_text(part / "report.html", "new")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Path, "write_text", fail)
    with pytest.raises(InputError, match=r"^cannot write out/report\.html: No space left on device; make room"):
        write()
    assert tree(tmp_path) == {}


@pytest.mark.parametrize("write", [write_result, make_folder])
def test_names_that_cannot_be_folders(write: Callable[[Any], Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="the name of what is to be written is empty"):
        write("")
    for name in ("file/out", "file/deep/out"):
        with pytest.raises(InputError, match=rf"cannot write .*{name}: .*file is not a folder; choose another"):
            write(tmp_path / name)
    with pytest.raises(InputError, match=r"file: it is a file; give the name of a folder"):
        write(tmp_path / "file")
    assert tree(tmp_path) == {"file": b"mine"}


def test_a_mount_point_is_refused_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "out").mkdir()
    monkeypatch.setattr(os.path, "ismount", lambda path: Path(path) == tmp_path / "out")
    with pytest.raises(InputError, match="is a mount point, which cannot be replaced; give the name of a folder in it"):
        write_result(tmp_path / "out")


def test_make_folder_makes_what_is_missing_and_keeps_what_is_there(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a/b") == tmp_path / "a/b"
    (tmp_path / "a/b/file").write_text("mine")
    make_folder(str(tmp_path / "a/b"))
    assert tree(tmp_path) == {"a": None, "a/b": None, "a/b/file": b"mine"}


# -- Several writers, and a process that is killed --------------------------------------------------------


def test_of_two_writers_of_a_file_the_last_one_stays(tmp_path: Path) -> None:
    with whole_file(tmp_path / "a") as one:
        one.write_text("one")
        write_text(tmp_path / "a", "other")
        assert (tmp_path / "a").read_text() == "other"
    assert tree(tmp_path) == {"a": b"one"}


def test_many_writers_at_once_leave_one_whole_file_and_folder(tmp_path: Path) -> None:
    texts = [letter * 10_000 for letter in "abcdefgh"]

    together = Barrier(len(texts), timeout=60)  # so that a writer that fails does not keep the others waiting

    def write(text: str) -> None:
        for _ in range(10):
            write_text(tmp_path / "file", text)
            with whole_folder(tmp_path / "folder", "inspect") as part:
                (part / "report.html").write_text(text)
                write_summary(part, "inspect", {"text": text})
                together.wait()  # all have begun before one ends
            together.wait()

    with ThreadPoolExecutor(len(texts)) as pool:
        list(pool.map(write, texts))
    assert (tmp_path / "file").read_text() in texts
    assert (tmp_path / "folder/report.html").read_text() == json.loads((tmp_path / "folder" / SUMMARY).read_text())[
        "text"
    ]
    assert set(tree(tmp_path)) == {"file", "folder", f"folder/{SUMMARY}", "folder/report.html"}


KILLED = """
import sys, time
from pathlib import Path
from otoscope.files import whole_file, whole_folder
with {writer}(sys.argv[1]{command}) as part:
    ({file}).write_text("half")
    print("writing", flush=True)
    time.sleep(60)
"""


@ON_POSIX
@pytest.mark.parametrize(("writer", "file"), [("whole_file", "part"), ("whole_folder", "part / 'report.html'")])
def test_a_process_that_is_killed_leaves_the_old_one_whole(writer: str, file: str, tmp_path: Path) -> None:
    if writer == "whole_file":
        write_text(tmp_path / "out", "old")
    else:
        write_result(tmp_path / "out", "old")
    named = ', "inspect"' if writer == "whole_folder" else ""
    before = tree(tmp_path)
    command = [sys.executable, "-c", KILLED.format(writer=writer, file=file, command=named), str(tmp_path / "out")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "writing\n"
        process.send_signal(signal.SIGKILL)
    after = tree(tmp_path)
    left = after.keys() - before.keys()
    assert {name: after[name] for name in before} == before
    assert left and all(name.startswith("out.") and ".part" in name for name in left)
    for name in left:  # the next process is not in its way
        shutil.rmtree(tmp_path / name) if (tmp_path / name).is_dir() else (tmp_path / name).unlink(missing_ok=True)
    assert tree(tmp_path) == before


@ON_POSIX
def test_a_reader_never_meets_half_a_file(tmp_path: Path) -> None:
    path, texts = tmp_path / "a", ["a" * 1_000_000, "b" * 1_000_000]
    write_text(path, texts[0])
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(lambda: [write_text(path, texts[turn % 2]) for turn in range(50)])
        while not writing.done():
            assert path.read_text() in texts
    writing.result()


def test_of_many_that_write_a_new_file_one_does(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        wrote = list(pool.map(lambda number: write_new(tmp_path / "a.txt", str(number)), range(40)))
    assert sum(wrote) == 1 and tree(tmp_path) == {"a.txt": str(wrote.index(True)).encode()}


def test_a_new_file_is_written_where_a_file_system_has_no_links(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*paths: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    assert [write_new(tmp_path / "a.txt", text) for text in ("mine", "yours")] == [True, False]
    assert tree(tmp_path) == {"a.txt": b"mine"}


def test_a_folder_is_checked_before_and_left_as_it_was(tmp_path: Path) -> None:
    check_folder(tmp_path / "new" / "deep", "inspect")
    assert tree(tmp_path) == {}
    (tmp_path / "a").write_text("a file")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes").touch()
    for name in ("a", "a/b", "mine", "x" * 300):
        with pytest.raises(InputError):
            check_folder(tmp_path / name, "inspect")
    assert set(tree(tmp_path)) == {"a", "mine", "mine/notes"}
