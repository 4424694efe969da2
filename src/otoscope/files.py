"""Write files and folders whole or not at all.

New content is first written to a part: a file or folder beside its final place, under a unique name that no reader
looks for. The part then takes its place by a rename, which a file system does at once or not at all. So whoever opens
the place finds the old content or the new, never a mixture, whatever ends the process. Only a process that is killed
leaves its part behind, as ``name.1a2b3c4d5e6f7a8b.part``.
"""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from otoscope._version import __version__
from otoscope.errors import InputError
from otoscope.text import visible

SUMMARY = "summary.json"
"""The file of a result folder that lists the others; see :func:`write_summary`."""

MANIFEST = "otoscope_manifest"
"""The key of ``summary.json`` under which the list stands."""

_ADVICE = {
    errno.ENOSPC: "make room, or choose another disk",
    errno.EDQUOT: "make room, or choose another disk",
    errno.EFBIG: "choose another disk",
    errno.ENAMETOOLONG: "choose a shorter name",
}

_NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK)


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file whole or not at all.

    Parameters
    ----------
    path : str or path
        The file, in a folder that exists. One that is there is replaced and keeps its permissions; a new one gets
        those that ``open`` would give. Through a link the file that it points to is replaced, and the link stays.

    Yields
    ------
    Path
        An empty file beside it, to be filled inside the ``with`` block. At the end of the block it is flushed to disk
        and takes the place of `path`, and the folder is flushed; if the block raises, KeyboardInterrupt included, the
        file is removed.

    Raises
    ------
    InputError
        If the name is empty or belongs to a folder, a device, a read-only file or a link to nothing, the folder is
        missing or cannot be written, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> folder = Path(tempfile.mkdtemp())
    >>> with whole_file(folder / "notes.txt") as part:
    ...     _ = part.write_text("all of it")
    >>> [path.name for path in folder.iterdir()]
    ['notes.txt']
    """
    path = _named(path)
    place = _place_of_file(path)
    part = _beside(place, "part")
    with _explained(path, part):
        os.close(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
        try:
            yield part
            _flush(part)
            if place.exists():
                shutil.copymode(place, part)
            os.replace(part, place)
            _flush_folder(place.parent)
        except BaseException:
            part.unlink(missing_ok=True)
            raise


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write text as UTF-8, whole or not at all; see :func:`whole_file`."""
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_new(path: str | os.PathLike[str], text: str) -> bool:
    """Write text as UTF-8 into a new file, whole or not at all.

    Parameters
    ----------
    path : str or path
        The file, in a folder that exists.
    text : str

    Returns
    -------
    bool
        False where there is such a file already, which stays as it is. Of several processes that write one file at a
        time one does, and the others are told of it.

    Raises
    ------
    InputError
        As of :func:`whole_file`.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.json"
    >>> write_new(path, "mine"), write_new(path, "yours"), path.read_text()
    (True, False, 'mine')
    """
    path = _named(path)
    place = _place_of_file(path)
    part = _beside(place, "part")
    with _explained(path, part):
        try:
            part.write_text(text, encoding="utf-8")
            _flush(part)
            if not _linked(part, place):
                return False
            _flush_folder(place.parent)
        finally:
            part.unlink(missing_ok=True)
    return True


def make_folder(folder: str | os.PathLike[str]) -> Path:
    """Make a folder, and those above it, where they are missing, to write files into it.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    InputError
        If the name is empty or belongs to a file, a link to nothing or a folder that a command wrote whole, see
        :func:`whole_folder`, or the folder cannot be made or written to.
    """
    folder = _named(folder)
    check_apart(folder)
    place = _place_of_folder(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _refusal(folder, error) from error
    if not os.access(place, os.W_OK | os.X_OK):
        raise InputError(f"cannot write into {folder}: Permission denied; choose a folder that can be written")
    return folder


def check_apart(folder: str | os.PathLike[str]) -> None:
    """Say before long work that files cannot be written into a folder, because a command wrote it whole.

    Raises
    ------
    InputError
        If it is the folder of :func:`whole_folder`: the next one would take with it what was added, and files of the
        same names would be replaced now.
    """
    _refuse_whole(Path(folder), Path(folder))


@contextmanager
def whole_folder(folder: str | os.PathLike[str], command: str) -> Iterator[Path]:
    """Write a folder of files whole or not at all.

    Parameters
    ----------
    folder : str or path
        Folders above it are made where they are missing. A folder that is there is replaced only if it is empty, or
        holds the files that :func:`write_summary` listed for the same command and nothing else: no other file, no other
        folder, no link. The earlier folder stands aside until the new one is in place, and returns if that fails.
    command : str
        Of Otoscope, which writes it, such as "inspect". What another command wrote is not replaced.

    Yields
    ------
    Path
        An empty folder beside it, to be filled with files, and folders of files, inside the ``with`` block. At the end
        of the block they are flushed to disk and the folder takes its place; if the block raises, KeyboardInterrupt
        included, it is removed.

    Raises
    ------
    InputError
        If the name is empty or belongs to a file, a link to nothing, a mount point, a folder that another command
        wrote, or one with anything else in it, the place cannot be written, or the disk is full.

    Examples
    --------
    >>> import tempfile
    >>> place = Path(tempfile.mkdtemp()) / "out"
    >>> for _ in range(2):
    ...     with whole_folder(place, "inspect") as part:
    ...         _ = (part / "report.html").write_text("<html></html>")
    ...         _ = write_summary(part, "inspect", {"clips": 1})
    >>> sorted(path.name for path in place.iterdir())
    ['report.html', 'summary.json']
    >>> _ = (place / "my notes.txt").write_text("mine")
    >>> with whole_folder(place, "inspect") as part:
    ...     pass
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: ...out holds my notes.txt, no part of an earlier result; choose a new or empty folder
    >>> with whole_folder(place, "export") as part:
    ...     pass
    Traceback (most recent call last):
    ...
    otoscope.errors.InputError: ...out holds what otoscope inspect wrote; choose a new or empty folder
    """
    folder = _named(folder)
    place = _place_of_folder(folder)
    _check_replaceable(place, folder, command)
    part = _beside(place, "part")
    with _explained(folder, part), _parents_made(place):
        part.mkdir()
        try:
            yield part
            for file in _files_in(part):
                _flush(file)
            _put(part, place, folder, command)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise


def check_folder(folder: str | os.PathLike[str], command: str) -> None:
    """Say before long work what :func:`whole_folder` would say after it.

    Raises
    ------
    InputError
        As of :func:`whole_folder`.
    """
    folder = _named(folder)
    place = _place_of_folder(folder)
    _check_replaceable(place, folder, command)
    part = _beside(place, "part")
    with _explained(folder, part), _parents_made(place, keep=False):
        part.mkdir()
        part.rmdir()


def write_summary(folder: Path, command: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Write ``summary.json`` with a list of the files in a folder, by which :func:`whole_folder` knows it again.

    Parameters
    ----------
    folder : Path
        The part that :func:`whole_folder` yields, with all of its files.
    command : str
        The same as there.
    content : mapping
        What the summary says: plain values without NaN.

    Returns
    -------
    dict
        The content, and under ``otoscope_manifest`` the ``command``, the ``version`` of Otoscope and the names of the
        ``files``.
    """
    names = sorted(path.relative_to(folder).as_posix() for path in _files_in(folder))
    summary = {**content, MANIFEST: {"command": command, "version": __version__, "files": names}}
    write_text(folder / SUMMARY, json.dumps(summary, indent=1, allow_nan=False) + "\n")
    return summary


# -- Names ------------------------------------------------------------------------------------------------


def _named(path: str | os.PathLike[str]) -> Path:
    if not os.fspath(path):  # which Path takes for the present folder
        raise InputError("the name of what is to be written is empty; give the name of a file or folder")
    return Path(path)


def _beside(place: Path, kind: str) -> Path:
    """A unique name in the same folder, without a leading dot, and short enough for every file system."""
    return place.with_name(f"{place.name.lstrip('.')[:40]}.{secrets.token_hex(8)}.{kind}")


def _place_of_file(path: Path) -> Path:
    place = _followed(path)
    if place.is_dir():
        raise InputError(f"cannot write {path}: it is a folder; give the name of a file")
    if place.exists() and not place.is_file():
        raise InputError(f"cannot write {path}: it is not a regular file; give another name")
    if place.exists() and not os.access(place, os.W_OK):
        raise InputError(f"cannot write {path}: the file is read-only; give another name, or make it writable")
    return place


def _place_of_folder(folder: Path) -> Path:
    place = _followed(folder)
    if place.exists() and not place.is_dir():
        raise InputError(f"cannot write {folder}: it is a file; give the name of a folder")
    return place


def _followed(path: Path) -> Path:
    """Where a path leads through links."""
    try:
        if path.is_symlink() and not path.exists():
            raise InputError(
                f"cannot write {path}: it is a link to {os.readlink(path)}, which does not exist; "
                "remove the link or give another name"
            )
        return path.resolve()
    except OSError as error:
        raise _refusal(path, error) from error


# -- What goes wrong --------------------------------------------------------------------------------------


@contextmanager
def _explained(path: Path, part: Path) -> Iterator[None]:
    """Say in one sentence why a path cannot be written; errors of other files pass."""
    try:
        yield
    except InputError as error:  # of a file in the part, whose name says nothing to the user
        hidden = visible(str(part))
        if hidden not in str(error):
            raise
        raise InputError(str(error).replace(hidden, str(path))) from error
    except OSError as error:
        about = str(part if error.filename is None else error.filename)
        if not (about.startswith(str(part)) or str(part).startswith(about)):
            raise
        raise _refusal(path, error) from error


def _refusal(path: Path, error: OSError) -> InputError:
    place = Path(os.path.abspath(path))
    above = next((parent for parent in place.parents if os.path.lexists(parent)), place)
    if not above.is_dir():
        reason = f"{above} is not a folder; choose another"
    elif error.errno == errno.ENOENT and not place.parent.exists():
        reason = f"the folder {path.parent} does not exist; make it or choose another"
    else:
        advice = _ADVICE.get(error.errno or 0, "choose a folder that can be written")
        reason = f"{error.strerror or error}; {advice}"
    return InputError(f"cannot write {path}: {reason}")


# -- Parts ------------------------------------------------------------------------------------------------


def _linked(part: Path, place: Path) -> bool:
    """Give a part its place, if nothing is there: unlike a rename, a link never takes the place of a file."""
    try:
        os.link(part, place)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if place.exists():
            return False
        os.replace(part, place)  # a file system without links has nothing better
    return True


def _flush(path: Path) -> None:
    with open(path, "r+b") as file:
        os.fsync(file.fileno())


def _flush_folder(folder: Path) -> None:
    """Let the names in a folder outlast a loss of power, where the file system can be asked for that."""
    try:
        opened = os.open(folder, os.O_RDONLY)
    except OSError:  # as on Windows, or where a folder may be written and not read
        return
    try:
        os.fsync(opened)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES):
            raise
    finally:
        os.close(opened)


@contextmanager
def _parents_made(place: Path, *, keep: bool = True) -> Iterator[None]:
    """Make the folders above a place, and remove them again if what follows fails, or they are not to be kept."""
    missing = [parent for parent in place.parents if not parent.exists()]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException:
        keep = False
        raise
    finally:
        for parent in () if keep else missing:
            with suppress(OSError):
                parent.rmdir()


def _put(part: Path, place: Path, folder: Path, command: str) -> None:
    """Rename a part to its place; what is there stands aside until then, and returns if that fails."""
    while True:
        old = _beside(place, "old")
        try:
            with suppress(FileNotFoundError):
                os.rename(place, old)
            if old.exists():
                # Checked again where it stands aside, out of reach: files may have been added since the start.
                _check_replaceable(old, folder, command)
                shutil.copymode(old, part)
            os.rename(part, place)
        except BaseException as error:
            if isinstance(error, OSError) and error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                _remove(old)  # another process has replaced it meanwhile, and is replaced in turn
                continue
            if old.exists() and not place.exists():
                os.rename(old, place)
            raise
        _remove(old)
        return


def _check_replaceable(place: Path, folder: Path, command: str) -> None:
    if not place.exists():
        return
    if os.path.ismount(place):
        raise InputError(f"{folder} is a mount point, which cannot be replaced; give the name of a folder in it")
    if not place.is_dir():
        raise InputError(f"{folder} is a file; choose a new or empty folder")
    if _command_of(place) != command:
        _refuse_whole(place, folder)
    other = list(_strangers(place, _listed(place)))
    if other:
        raise InputError(f"{folder} holds {min(other)}, no part of an earlier result; choose a new or empty folder")


def _refuse_whole(place: Path, folder: Path) -> None:
    """Refuse a folder that a command wrote whole, and that no other one replaces or adds to."""
    command = _command_of(place)
    if command is not None:
        raise InputError(f"{folder} holds what otoscope {command} wrote; choose a new or empty folder")


def _files_in(folder: Path) -> list[Path]:
    """All that lies in a folder and in its folders, but for these."""
    return [Path(above, name) for above, _, names in os.walk(folder) for name in names]


def _strangers(place: Path, listed: frozenset[str], above: str = "") -> Iterator[str]:
    """The names of what lies in a folder and is not a listed file, nor a folder of listed files alone."""
    for entry in os.scandir(place):
        name = above + entry.name
        if entry.is_dir(follow_symlinks=False) and any(one.startswith(f"{name}/") for one in listed):
            yield from _strangers(Path(entry.path), listed, f"{name}/")
        elif name not in listed or not entry.is_file(follow_symlinks=False):
            yield name


def _listed(folder: Path) -> frozenset[str]:
    """The names of the files that Otoscope wrote into a folder, with those of their folders in it."""
    files = _manifest(folder).get("files")
    if not isinstance(files, list) or _command_of(folder) is None:
        return frozenset()
    return frozenset([SUMMARY, *(name for name in files if isinstance(name, str))])


def _command_of(folder: Path) -> str | None:
    """The command that wrote a folder whole; None where none did."""
    command = _manifest(folder).get("command")
    return command if isinstance(command, str) else None


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))[MANIFEST]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return manifest if isinstance(manifest, dict) else {}


def _remove(old: Path) -> None:
    """Remove what Otoscope wrote; a folder with anything else in it stays, and is named."""
    if not old.exists():
        return
    listed = _listed(old)
    try:
        for above, folders, names in os.walk(old, topdown=False):
            for path in (Path(above, name) for name in names):
                if path.relative_to(old).as_posix() in listed - {SUMMARY}:
                    path.unlink()
            for path in (Path(above, name) for name in folders):
                path.rmdir()
        (old / SUMMARY).unlink(missing_ok=True)
        old.rmdir()
    except OSError as error:
        warnings.warn(f"the earlier folder stays as {old}: {error.strerror}", stacklevel=2)
