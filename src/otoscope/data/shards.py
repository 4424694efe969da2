"""Tar archives as WebDataset writes them: ``dog1.wav`` and ``dog1.cls`` (or ``.txt``, ``.json``) are one sound.

Members with one name up to its first dot belong together. A sound is read from its place in the archive, which is not
unpacked. Every text beside it is a fact: ``cls`` and ``txt``, and the plain values of a ``json`` by their keys.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Self

from otoscope.data.files import is_pattern, matches
from otoscope.data.items import (
    SPLITS,
    SUFFIXES,
    UNREADABLE_SUFFIXES,
    DataSet,
    Item,
    Request,
    Source,
    alphabetical_classes,
)
from otoscope.data.packed import pack
from otoscope.data.problems import EMPTY, UNLABELLED, UNREADABLE, Problems
from otoscope.data.table import text_of
from otoscope.embedded import Embedded
from otoscope.errors import InputError
from otoscope.text import from_json, writable

LABELS = ("cls", "label")
"""Facts that are the class where none is named, the first that is there."""

_PACKED = re.compile(r"\.(tar\.\w+|tgz|tbz2?|txz)$")
_BRACES = re.compile(r"\{([^{}]*)\}")
_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_LONGEST = 1 << 20  # bytes of a text beside a sound
_CUT = b"cut"  # in place of the content of a member that an archive ends before


def archives(place: str | Path) -> list[Path]:
    """The archives that a name stands for: one, those of a folder, a pattern, or braces.

    Raises
    ------
    InputError
        If there is none, or one is compressed.
    """
    found = [path for one in expanded(str(place)) for path in _archives(Path(one))]
    if not found:
        raise InputError(f"there is no tar archive {place}")
    missing = [path for path in found if not path.is_file()]
    if missing:
        raise InputError(f"{len(missing)} of {len(found)} archives are missing, first {missing[0]}")
    packed = next((path for path in found if _PACKED.search(path.name.lower())), None)
    if packed is not None:
        raise InputError(
            f"{packed} is compressed, so no sound in it can be read alone: make it a .tar, as gunzip {packed.name} does"
        )
    return found


def is_archive(text: str) -> bool:
    """Whether a name, in lower case, is that of tar archives; compressed ones too, which are refused in words later."""
    return text.endswith(".tar") or bool(_PACKED.search(text))


def only_archives(folder: Path) -> bool:
    """Whether a folder holds tar archives and no sound beside them, at its top or in its folders."""
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    files = [path for path in inside if path.is_file()] or [
        path for one in inside if one.is_dir() for path in one.iterdir() if path.is_file()
    ]
    return any(path.suffix == ".tar" for path in files) and not any(path.suffix.lower() in SUFFIXES for path in files)


def _archives(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(inner for inner in path.rglob("*.tar") if not inner.name.startswith("."))
    return matches(str(path)) if is_pattern(str(path)) else [path]


def expanded(text: str) -> list[str]:
    """The names that braces stand for.

    Examples
    --------
    >>> expanded("a-{008..010}.tar"), expanded("{train,test}.tar")
    (['a-008.tar', 'a-009.tar', 'a-010.tar'], ['train.tar', 'test.tar'])
    """
    braces = _BRACES.search(text)
    if braces is None:
        return [text]
    numbers = _RANGE.fullmatch(braces[1])
    if numbers:
        width = len(numbers[1])
        inner = [f"{number:0{width}d}" for number in range(int(numbers[1]), int(numbers[2]) + 1)]
    else:
        inner = braces[1].split(",")
    before, after = text[: braces.start()], text[braces.end() :]
    return [name for one in inner for name in expanded(before + one + after)]


def split_in(path: Path) -> str:
    """The part that the name of an archive says, or of its folder; else "all".

    Examples
    --------
    >>> split_in(Path("esc50-test-0003.tar")), split_in(Path("valid/0.tar")), split_in(Path("a.tar"))
    ('test', 'valid', 'all')
    """
    for name in (path.name, path.parent.name):
        words = re.split(r"[^a-z]+", name.lower())
        found = next((split for split in SPLITS if split in words), None)
        if found:
            return found
    return "all"


class _Listed(str):
    """A list as a fact, with the texts in it as labels: none, where it is empty."""

    labels: tuple[str, ...]

    def __new__(cls, values: list[Any]) -> Self:
        made = super().__new__(cls, text_of(values))
        made.labels = tuple(dict.fromkeys(text for text in map(text_of, values) if text))
        return made


def sounds_in(archive: Path, problems: Problems) -> Iterator[Embedded]:
    """The sounds in a tar archive, whatever lies beside them.

    Parameters
    ----------
    archive : Path
    problems : Problems
        To which what cannot be read is added.
    """
    for item in _Members(problems).of(archive):
        assert isinstance(item.sound, Embedded)
        yield item.sound


def _read(request: Request) -> DataSet:
    problems = Problems()
    members = _Members(problems)
    samples = (sample for path in archives(request.folder) for sample in members.of(path))
    labelled = _Labelled(request.task, problems)
    items = pack(labelled.items(samples))
    known = sorted(members.facts)
    if request.task and request.task not in members.facts:
        raise InputError(
            f"the sounds in {request.folder} have nothing called {request.task!r} beside them; there is "
            + (", ".join(known) or "nothing else")
        )
    if not items:
        raise InputError(f"{request.folder} has no sound that can be used" + (f": {problems.said}" if problems else ""))
    classes = alphabetical_classes(items)
    notes = () if classes or not known else (f"the sounds have no classes: choose one of {', '.join(known)} (--by)",)
    return DataSet(items, _numbers_in_order(classes), notes, labelled.several, problems)


def _numbers_in_order(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Classes that are numbers as numbers are ordered."""
    return tuple(sorted(classes, key=int)) if all(name.isdecimal() for name in classes) else classes


class _Labelled:
    """Sounds with their labels; where labels are asked for, one without is a problem."""

    def __init__(self, asked: str, problems: Problems) -> None:
        self.by, self.problems = asked, problems
        self.several = False  # labels of one sound

    def items(self, samples: Iterable[Item]) -> Iterator[Item]:
        for sample in samples:
            self.by = self.by or next((name for name in LABELS if name in sample.facts), "")
            label = sample.facts.get(self.by, "")
            listed = isinstance(label, _Listed)
            if self.by and not label and not listed:
                self.problems.add(UNLABELLED, sample.name, f"there is no {self.by} beside it")
                continue
            self.several |= listed
            labels = label.labels if isinstance(label, _Listed) else (label,) if self.by else ()
            own = {self.by} & {"label"}
            facts = {name: fact for name, fact in sample.facts.items() if fact and name not in own}
            yield Item(sample.sound, labels, sample.split, facts=facts)


class _Members:
    """The sounds in archives with what lies beside them; all facts that were seen."""

    def __init__(self, problems: Problems) -> None:
        self.problems, self.facts = problems, dict[str, None]()

    def of(self, path: Path) -> Iterator[Item]:
        split, key = split_in(path), None
        sounds: list[Embedded] = []
        facts: dict[str, str] = {}
        for name, offset, size, content in self._members(path):
            stem, kind = _key(name)
            suffix = f".{kind.rpartition('.')[2]}"
            if stem != key:
                yield from (Item(sound, (), split, facts=facts) for sound in sounds)
                key, sounds, facts = stem, [], {}
            if content is _CUT:  # the sound that it belongs to is not whole, nor is what is known of it
                lost = [*map(str, sounds), *([f"{path}!{name}"] if suffix in SUFFIXES else [])]
                for one in lost or [str(path)]:
                    self.problems.add(UNREADABLE, one, f"the archive ends early, within {name}")
                return
            if suffix in SUFFIXES and not size:
                self.problems.add(EMPTY, f"{path}!{name}")
            elif suffix in SUFFIXES:
                sounds.append(Embedded(path, name, offset, size))
            elif suffix in UNREADABLE_SUFFIXES:
                self.problems.add(UNREADABLE, f"{path}!{name}", f"{suffix} cannot be read")
            elif content is not None:
                facts.update(_facts(kind, content))
                self.facts.update(dict.fromkeys(facts))
        yield from (Item(sound, (), split, facts=facts) for sound in sounds)

    def _members(self, path: Path) -> Iterator[tuple[str, int, int, bytes | None]]:
        """Name, place and size of each file in an archive, and the content of a short text; of one cut off `_CUT`."""
        size, end, place, length = path.stat().st_size, 0, 0, 0
        linked: dict[str, tuple[int, int]] | None = None  # where members lie, once a link asks for one
        try:
            with tarfile.open(path, "r:") as archive, open(path, "rb") as file:
                for member in archive:
                    archive.members = []  # type: ignore[attr-defined]  # of which tarfile would keep all
                    end = member.offset_data + member.size
                    name = _plain(member.name)
                    if member.isdir() or Path(name).name.startswith("."):
                        continue
                    if member.islnk():
                        linked = _places(path) if linked is None else linked
                        place, length = linked.get(_plain(member.linkname), (0, -1))
                    elif member.isreg():
                        place, length = member.offset_data, member.size
                    if why := _no_file(member, found=length >= 0):
                        if f".{_key(name)[1].rpartition('.')[2]}" in SUFFIXES:
                            self.problems.add(UNREADABLE, f"{path}!{name}", why)
                    elif place + length > size:
                        yield name, place, length, _CUT
                        return
                    else:
                        yield name, place, length, _text(file, name, place, length)
                self._check_end(path, file, archive.offset)
        except (tarfile.TarError, EOFError) as error:
            why = f"it ends early, at byte {size}" if end else f"it is not a tar archive, or is broken: {error}"
            self.problems.add(UNREADABLE, str(path), why)

    def _check_end(self, path: Path, file: IO[bytes], place: int) -> None:
        """Note where no block of zeros, the mark of the end, follows the last member: tarfile says nothing of it."""
        file.seek(place)
        block = file.read(tarfile.BLOCKSIZE)
        if len(block) < tarfile.BLOCKSIZE:
            self.problems.add(UNREADABLE, str(path), f"it ends early, at byte {place + len(block)}, without its mark")
        elif any(block):
            self.problems.add(UNREADABLE, str(path), f"it is broken at byte {place}: what follows is lost")


def _key(name: str) -> tuple[str, str]:
    """What members of one sound share, and what a member is.

    Examples
    --------
    >>> _key("dogs.v2/1.audio.wav")
    ('dogs.v2/1', 'audio.wav')
    """
    folder, slash, file = name.rpartition("/")
    stem, _, kind = file.partition(".")
    return folder + slash + stem, kind.lower()


def _plain(name: str) -> str:
    return name.removeprefix("./")


def _places(path: Path) -> dict[str, tuple[int, int]]:
    """The place and size of every file in an archive, by its name; as far as it can be read."""
    places: dict[str, tuple[int, int]] = {}
    with suppress(tarfile.TarError, EOFError), tarfile.open(path, "r:") as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]
            if member.isreg() and not member.issparse():
                places[_plain(member.name)] = (member.offset_data, member.size)
    return places


def _no_file(member: tarfile.TarInfo, *, found: bool) -> str:
    """Why a member of an archive does not lie in it as a file; "" where it does."""
    if member.issparse():
        return "it is sparse, so its bytes do not lie in the archive one after another: make it without --sparse"
    if member.issym():
        return f"it is a symbolic link to {member.linkname}: make the archive with --dereference"
    if member.islnk() and not found:
        return f"it is a link to {member.linkname}, which is not a file of the archive"
    return "" if member.isreg() or member.islnk() else "it is not a file"


def _text(file: IO[bytes], name: str, place: int, size: int) -> bytes | None:
    kind = _key(name)[1].rpartition(".")[2]
    if f".{kind}" in SUFFIXES | UNREADABLE_SUFFIXES or size > _LONGEST:
        return None
    file.seek(place)
    return file.read(size)


def _facts(kind: str, content: bytes) -> dict[str, str]:
    """What a text beside a sound says of it; nothing where it is not text."""
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        return {}
    if "\0" in text:
        return {}
    if kind.rpartition(".")[2] != "json":
        return {writable(kind): text}
    try:
        found = from_json(text)
    except ValueError:
        return {}
    if not isinstance(found, dict):
        return {writable(kind): text_of(found)}
    return {
        writable(key): _Listed(value) if isinstance(value, list) else text
        for key, value in found.items()
        if (text := text_of(value)) or value == []
    }


SOURCE = Source(
    name="shards",
    about="tar archives as WebDataset writes them: one, a folder of them, or shards-{000..009}.tar",
    licence="your own",
    url="your own recordings",
    layout=(),
    tasks={},
    splits=(),
    sample_rate=None,
    read=_read,
)
