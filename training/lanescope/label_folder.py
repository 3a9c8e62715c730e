"""Which file belongs to a listed name, and a scan's boxes; as `src/main/cli/labels` does in TypeScript."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from lanescope.labels import Box, LayoutError, Listed, is_image_name, place, read_annotation, stem
from lanescope.patch import CLASSES

EXIF_ORIENTATION = 0x0112


class FolderIndex:
    """A folder's files by name, spelt as they are and in small letters, from one listing (the release has a million)."""

    def __init__(self, folder: Path, key_of: Callable[[str], str | None]) -> None:
        self.folder = folder
        self._named: dict[str, str] = {}
        self._exact: dict[str, list[str]] = {}
        self._folded: dict[str, list[str]] = {}
        for file in sorted(os.listdir(folder)):
            key = None if file.startswith(".") else key_of(file)
            if key is not None:
                self._named[unicodedata.normalize("NFC", file)] = file
                self._exact.setdefault(key, []).append(file)
                self._folded.setdefault(key.lower(), []).append(file)

    def spelt(self, file: str) -> str | None:
        """The file that is spelt so, extension and all."""
        return self._named.get(file)

    def find(self, key: str) -> str | None:
        """The one file of that name; None where there is none. Raises LayoutError where there are several."""
        found = self._exact.get(key) or self._folded.get(key.lower()) or []
        if len(found) > 1:
            raise LayoutError(f"{len(found)} files have that name: {', '.join(found)}")
        return found[0] if found else None


def list_images(folder: Path) -> FolderIndex:
    """Scans by name without extension. A file without one counts as well: scanners write such."""
    return FolderIndex(folder, lambda file: stem(file) if is_image_name(file) or "." not in file else None)


def list_annotations(folder: Path) -> FolderIndex:
    """Annotations by their scan's name: NAME.xml, and NAME.jpg.xml as some programs write it."""
    return FolderIndex(folder, lambda file: stem(file[:-4]) if file.lower().endswith(".xml") else None)


def file_of(scan: Listed, images: FolderIndex) -> Path | None:
    """The file that the list names with its extension, else the one of that name. Raises LayoutError where two have it."""
    file = (images.spelt(scan.file) if scan.file else None) or images.find(scan.name)
    return None if file is None else images.folder / file


@dataclass
class Annotations:
    """Annotations of one run. A bad one is told here and ends nothing."""

    index: FolderIndex
    read: int = 0
    missing: int = 0
    """Scans without one, though their list says that they hold something."""
    refused: list[dict[str, str]] = field(default_factory=list)
    bad_boxes: list[dict[str, str]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    disagreeing: list[dict[str, str]] = field(default_factory=list)

    def boxes(self, scan: Listed, file: Path, shown: tuple[int, int]) -> list[Box]:
        """A scan's boxes in fractions of the scan as shown (its size in pixels); none where no annotation says any that can be used."""
        try:
            note = self.index.find(scan.name)
            if note is None:
                self.missing += 1 in scan.labels
                return []
            found = read_annotation(self.index.folder / note)
            self.read += 1
            self.bad_boxes += [{"name": scan.name, "reason": reason} for reason in found.bad]
            self.others.update(found.others)
            for c, label in enumerate(CLASSES):
                if scan.labels[c] == 0 and any(b.label == label for b in found.boxes):
                    self.disagreeing.append({"name": scan.name, "reason": f"a box of {label}, which the list says is absent"})
            if not found.boxes:
                return []
            with Image.open(file) as image:
                orientation = image.getexif().get(EXIF_ORIENTATION, 1)
            placed, outside = place(found, shown, orientation)
        except (LayoutError, OSError) as error:
            self.refused.append({"name": scan.name, "reason": str(error)})
            return []
        self.bad_boxes += [{"name": scan.name, "reason": reason} for reason in outside]
        return placed

    def report(self) -> dict[str, object]:
        """As `npx lanescope evaluate --json` has it."""
        return {
            **{"read": self.read, "missing": self.missing, "refused": self.refused, "badBoxes": self.bad_boxes},
            **{"disagreeing": self.disagreeing, "otherObjects": dict(self.others)},
        }
