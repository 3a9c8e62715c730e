"""Lists and VOC annotations as SIXray publishes them and as other programs write them; `src/main/cli/labels` is the same in TypeScript.

Both are held to the cases in `test/fixtures/labels`: each is read right or refused by name, alike in both languages.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from lanescope.patch import CLASSES


class LayoutError(ValueError):
    """A file of the data set is not as published; the message names file and line."""


@dataclass(frozen=True)
class Box:
    """One annotated object: class and edges in pixels of the scan."""

    label: str
    xmin: float
    ymin: float
    xmax: float
    ymax: float

    @property
    def edges(self) -> tuple[float, float, float, float]:
        return self.xmin, self.ymin, self.xmax, self.ymax


@dataclass
class Annotation:
    """What a VOC annotation says of a scan."""

    size: tuple[float, float] | None
    """(width, height) in pixels that the boxes are in; None where the annotation states none that can be true."""
    boxes: list[Box] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    """Objects of other classes (hammer) by name: they are left out."""
    bad: list[str] = field(default_factory=list)
    """Boxes of the five classes that cannot be used, each with its reason."""


# --- text ------------------------------------------------------------------------------------------------------------------------

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_DECLARED = re.compile(rb"^\s*<\?xml\s[^>]*?encoding\s*=\s*[\"']\s*([\w.:-]+)\s*[\"']")
# as browsers read them (WHATWG), and so the app
_AS_BROWSERS = {
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    **dict.fromkeys(("iso8859-1", "ascii", "cp1252"), "latin-1"),
    **dict.fromkeys(("shift_jis",), "cp932"),
    **dict.fromkeys(("euc_kr",), "cp949"),
    **dict.fromkeys(("big5",), "big5hkscs"),
}


def decode_text(data: bytes) -> str:
    """A file's text: by byte order mark, by what an XML file declares, else UTF-8.

    Raises:
        LayoutError: the bytes are not in that encoding, it is none that is known, or the text holds control characters.
    """
    encoding = _encoding(data)
    try:
        name = codecs.lookup(encoding).name
        text = data.decode(_AS_BROWSERS.get(name, name)).removeprefix("\ufeff")
    except (LookupError, UnicodeDecodeError) as error:
        raise LayoutError(f"its text cannot be read as {encoding}") from error
    if _CONTROL.search(text):
        raise LayoutError("it holds control characters")
    return text


def _encoding(data: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")):
        if data.startswith(mark):
            return encoding
    # without a mark: XML begins with <
    if data.startswith(b"<\0"):
        return "utf-16-le"
    if data.startswith(b"\0<"):
        return "utf-16-be"
    found = _DECLARED.match(data[:200])
    declared = found[1].decode("ascii").lower() if found else "utf-8"
    # Bytes that read as ASCII so far are no UTF-16, whatever some programs declare.
    return "utf-8" if re.match(r"(utf-?16|ucs-?2|iso-10646)", declared) else declared


_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


def read_number(text: str) -> float | None:
    """What JSON, pandas and people write for a number, and nothing else that a language would take for one."""
    plain = text.strip().replace("\u2212", "-")
    return float(plain) if _NUMBER.fullmatch(plain) else None


def bare(text: str) -> str:
    """Without blanks and quotation marks around it, in one kind of Unicode spelling."""
    plain = unicodedata.normalize("NFC", text).strip()
    while inside := re.fullmatch(r"([\"'])(.*)\1", plain):
        plain = inside[2].strip()
    return plain


# --- lists -----------------------------------------------------------------------------------------------------------------------

_EXTENSION = re.compile(r"\.(jpe?g|jpe|jfif|png|tiff?|webp|bmp|dib)$", re.IGNORECASE)
PUBLISHED = {1: "1", 0: "-1", -1: "0"}
"""How SIXray's files write this project's labels: absent is -1 there, and 0 says difficult."""
_LABEL = {1.0: 1, -1.0: 0, 0.0: -1}


def stem(file: str) -> str:
    """A file's name without the extension of an image."""
    return _EXTENSION.sub("", unicodedata.normalize("NFC", file))


def is_image_name(file: str) -> bool:
    return bool(_EXTENSION.search(file))


@dataclass(frozen=True)
class Listed:
    """One row of a list."""

    name: str
    """the file's name without folder and extension"""
    file: str | None
    """the file's name as listed, where it has the extension of an image"""
    labels: tuple[int, ...]
    """in the order of `CLASSES`: 1 present, 0 absent, -1 unknown or difficult"""
    group: str
    """scans of one group (a bag) are drawn together; the scan's own name where the list has no column `group`"""


def read_rows(path: Path | str) -> list[Listed]:
    """Read `name,Gun,Knife,Wrench,Pliers,Scissors[,group]`, columns in any order.

    Raises:
        LayoutError: with file and line, where the list is none, a label is not 1, 0 or -1, or a name is listed twice.
    """
    try:
        text = decode_text(Path(path).read_bytes())
    except LayoutError as error:
        raise LayoutError(f"{path}: {error}") from error
    text = re.sub(r"\" +(?=[,;\t\n])", '"', re.sub(r"\r\n?", "\n", text))  # blanks after a quoted cell
    first = next((line for line in text.split("\n") if line.strip()), "")
    headers = {d: [bare(cell).lower() for cell in first.split(d)] for d in (",", ";", "\t")}
    delimiter = next((d for d, cells in headers.items() if "name" in cells), ",")
    header = headers[delimiter]
    wanted = ("name", *CLASSES)
    missing = [name for name in wanted if name not in header]
    if missing:
        raise LayoutError(f"{path}: no column {', '.join(missing)}")
    for name in wanted:
        if header.count(name) > 1:
            raise LayoutError(f"{path}: two columns {name}")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True)
    try:
        return list(_listed(reader, header, path))
    except csv.Error as error:
        raise LayoutError(f"{path}: no list ({error})") from error


def _listed(reader, header: list[str], path: Path | str) -> Iterable[Listed]:
    columns = [header.index(name) for name in ("name", *CLASSES)]
    seen: set[str] = set()
    first = True
    for row in reader:
        cells = [bare(cell) for cell in row]
        if not any(cells):
            continue
        if first:  # the header
            first = False
            continue
        where = f"{path}, line {reader.line_num}"
        named, *marks = [cells[c] if c < len(cells) else "" for c in columns]
        file = re.split(r"[\\/]", named)[-1]
        name = _EXTENSION.sub("", file)
        numbers = [read_number(mark) for mark in marks]
        labels = [None if n is None else _LABEL.get(n) for n in numbers]
        if not name:
            raise LayoutError(f"{where}: no name")
        if None in labels:
            raise LayoutError(f"{where}: a label must be 1, 0 or -1: {row}")
        if any(cells[len(header) :]):
            raise LayoutError(f"{where}: more cells than columns: {row}")
        if name in seen:
            raise LayoutError(f"{where}: {name} is listed twice")
        seen.add(name)
        group = cells[header.index("group")] if "group" in header and header.index("group") < len(cells) else ""
        yield Listed(name, None if file == name else file, tuple(x for x in labels if x is not None), group or name)


# --- annotations -----------------------------------------------------------------------------------------------------------------


def read_annotation(path: Path | str) -> Annotation:
    """Read one VOC XML. A bad box alone is told in `bad`.

    Raises:
        LayoutError: the file is no annotation; OSError: it cannot be read.
    """
    try:
        return parse_annotation(Path(path).read_bytes())
    except LayoutError as error:
        raise LayoutError(f"{path}: {error}") from error


def parse_annotation(data: bytes) -> Annotation:
    """The annotation in a file's bytes; raises LayoutError without the file's name."""
    root = _root(decode_text(data))
    found = Annotation(_size(root))
    for item in _all(root, "object"):
        label = _text(next(iter(_all(item, "name")), None)).strip().lower()
        if label not in CLASSES:
            found.others[label] += 1
            continue
        boxes = _all(item, "bndbox")
        if not boxes:
            found.bad.append(f"{label}: no <bndbox>")
        for edges in boxes:
            box = _box(label, edges)
            if isinstance(box, Box):
                found.boxes.append(box)
            else:
                found.bad.append(f"{label}: {box}")
    return found


def _root(text: str) -> ElementTree.Element:
    document = re.sub(r"<!--.*?-->", "", re.sub(r"^<\?xml[^>]*\?>", "", text.lstrip()), flags=re.DOTALL).strip()
    # Never needed here, and how a document asks for more than it holds.
    if "<!DOCTYPE" in document:
        raise LayoutError("not a VOC annotation: it brings a document type")
    try:
        root = ElementTree.fromstring(document)
    except ElementTree.ParseError as error:
        raise LayoutError(f"not a VOC annotation: broken XML ({error})") from error
    if _local(root) != "annotation":
        raise LayoutError("not a VOC annotation: its root is not one <annotation>")
    return root


def _local(element: ElementTree.Element) -> str:
    return element.tag.rsplit("}", 1)[-1]


def _all(parent: ElementTree.Element | None, name: str) -> list[ElementTree.Element]:
    return [] if parent is None else [child for child in parent if _local(child) == name]


def _text(element: ElementTree.Element | None) -> str:
    """An element's own text, that of its children left out."""
    return "" if element is None else (element.text or "") + "".join(child.tail or "" for child in element)


def _numbers(parent: ElementTree.Element | None, names: tuple[str, ...]) -> list[float | None]:
    return [read_number(_text(next(iter(_all(parent, name)), None))) for name in names]


def _size(root: ElementTree.Element) -> tuple[float, float] | None:
    """Zero, as some writers leave it, is no size; no more is one side alone."""
    width, height = _numbers(next(iter(_all(root, "size")), None), ("width", "height"))
    return (width, height) if width is not None and height is not None and width > 0 and height > 0 else None


def _box(label: str, edges: ElementTree.Element) -> Box | str:
    xmin, ymin, xmax, ymax = _numbers(edges, ("xmin", "ymin", "xmax", "ymax"))
    if xmin is None or ymin is None or xmax is None or ymax is None:
        return "an edge is no number"
    if xmax <= xmin or ymax <= ymin:
        return f"no area ({xmin:g}, {ymin:g}, {xmax:g}, {ymax:g})"
    return Box(label, xmin, ymin, xmax, ymax)


# --- an annotation's boxes on the scan as it is shown -----------------------------------------------------------------------------


def place(annotation: Annotation, shown: tuple[int, int], orientation: int) -> tuple[list[Box], list[str]]:
    """Boxes in fractions of the scan as shown, and those left out, each with its reason.

    Some programs draw boxes on the turned scan, some on the stored one: the annotation's own size tells which, or nothing does, and
    then no box is guessed.

    Args:
        shown: the scan's (width, height) in pixels, turned; orientation: EXIF's, 1 where there is none.

    Raises:
        LayoutError: no box can be placed.
    """
    turned = 2 <= orientation <= 8
    stored = (shown[1], shown[0]) if turned and orientation >= 5 else shown
    stated = annotation.size if annotation.size is not None else None if turned else (float(shown[0]), float(shown[1]))
    if stated is None:
        raise LayoutError("the scan is turned by its EXIF tag, and the annotation has no size that would tell whether its boxes are")
    as_shown, as_stored = _alike(stated, shown), _alike(stated, stored)
    if not as_shown and not as_stored:
        raise LayoutError(f"it is of a picture of {stated[0]:g} x {stated[1]:g} pixels, the scan has {shown[0]} x {shown[1]}")
    if turned and as_shown and as_stored:
        raise LayoutError("the scan is turned by its EXIF tag, and the annotation does not tell whether its boxes are")
    by = 1 if as_shown else orientation
    placed, bad = [], []
    for box in annotation.boxes:
        if box.xmax <= 0 or box.ymax <= 0 or box.xmin >= stated[0] or box.ymin >= stated[1]:
            bad.append(f"{box.label}: outside the scan ({', '.join(f'{edge:g}' for edge in box.edges)})")
            continue
        a = _turn(box.xmin / stated[0], box.ymin / stated[1], by)
        b = _turn(box.xmax / stated[0], box.ymax / stated[1], by)
        placed.append(Box(box.label, min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])))
    return placed, bad


def _alike(stated: tuple[float, float], real: tuple[int, int]) -> bool:
    """Sizes of one picture: a side may be rounded to a whole pixel where the annotation was made on a copy of another size."""
    off = abs(stated[0] * real[1] / real[0] - stated[1])
    return off <= 1.5 or off * real[0] / real[1] <= 1.5


def _turn(x: float, y: float, orientation: int) -> tuple[float, float]:
    """A point of the stored picture, in fractions, on the picture turned as EXIF's orientation (5-8: its sides change places) says."""
    return {5: (y, x), 6: (1 - y, x), 7: (1 - y, 1 - x), 8: (y, 1 - x)}.get(orientation, (x, y))
