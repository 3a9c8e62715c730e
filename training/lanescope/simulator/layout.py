"""Simulated scans on disk in SIXray's published layout: JPEGImage/, Annotation/ (VOC XML), ImageSet/{train,test}.csv; masks on request."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path
from xml.etree import ElementTree

import cv2

from lanescope.patch import CLASSES

from .stream import Scan


def annotation(name: str, scan: Scan) -> bytes:
    """A VOC annotation of the scan's boxes (whole pixels, 1-based and inclusive as VOC has them)."""
    height, width = scan.image.shape[:2]
    root = ElementTree.Element("annotation")
    ElementTree.SubElement(root, "folder").text = "lanescope-simulated"
    ElementTree.SubElement(root, "filename").text = f"{name}.jpg"
    size = ElementTree.SubElement(root, "size")
    for key, value in (("width", width), ("height", height), ("depth", 3)):
        ElementTree.SubElement(size, key).text = str(value)
    for label, x0, y0, x1, y1 in scan.boxes:
        thing = ElementTree.SubElement(root, "object")
        ElementTree.SubElement(thing, "name").text = label.capitalize()
        ElementTree.SubElement(thing, "difficult").text = "0"
        box = ElementTree.SubElement(thing, "bndbox")
        for key, value in (("xmin", x0 + 1), ("ymin", y0 + 1), ("xmax", x1), ("ymax", y1)):
            ElementTree.SubElement(box, key).text = str(value)
    ElementTree.indent(root, "\t")
    return ElementTree.tostring(root)


def write(scans: Iterable[Scan], out: Path, test_share: float = 0.2, masks: bool = False, quality: int = 92) -> dict[str, int]:
    """Write scans in SIXray's layout.

    Positives are P00001.jpg, P00002.jpg ... with an annotation; the others N00001.jpg .... Every scan is a row of train.csv or
    test.csv (1 present, -1 absent); each of positives and negatives is split evenly along the stream, so both lists hold both.

    Args:
        scans: the stream.
        out: folder; made when missing.
        test_share: share of scans that goes into test.csv.
        masks: also write Mask/<name>.png for positives (0, or 1 + class index).
        quality: JPEG quality, 1 ... 100.

    Returns:
        counts: "scans", "positives", and positives a class.

    Raises:
        FileExistsError: when `out` already holds scans (names would clash).
        OSError: when a file cannot be written.
    """
    if (out / "JPEGImage").exists() and any((out / "JPEGImage").iterdir()):
        raise FileExistsError(f"{out / 'JPEGImage'} is not empty")
    for folder in ("JPEGImage", "Annotation", "ImageSet", *(("Mask",) if masks else ())):
        (out / folder).mkdir(parents=True, exist_ok=True)
    counts = {"scans": 0, "positives": 0, **{name: 0 for name in CLASSES}}
    number = {"P": 0, "N": 0}
    owed = {"P": 0.0, "N": 0.0}
    with (out / "ImageSet" / "train.csv").open("w", newline="") as train, (out / "ImageSet" / "test.csv").open("w", newline="") as test:
        writers = {"train": csv.writer(train), "test": csv.writer(test)}
        for writer in writers.values():
            writer.writerow(["name", *(name.capitalize() for name in CLASSES)])
        for scan in scans:
            letter = "P" if scan.positive else "N"
            number[letter] += 1
            name = f"{letter}{number[letter]:05d}"
            _image(out / "JPEGImage" / f"{name}.jpg", scan.image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
            if scan.positive:
                (out / "Annotation" / f"{name}.xml").write_bytes(annotation(name, scan))
                if masks:
                    _image(out / "Mask" / f"{name}.png", scan.mask, [])
            owed[letter] += test_share
            split = "test" if owed[letter] >= 1 else "train"
            owed[letter] -= split == "test"
            writers[split].writerow([name, *(1 if scan.labels[c] else -1 for c in CLASSES)])
            counts["scans"] += 1
            counts["positives"] += scan.positive
            for label in CLASSES:
                counts[label] += scan.labels[label]
    return counts


def _image(path: Path, picture, options: list[int]) -> None:  # type: ignore[no-untyped-def]
    ok, data = cv2.imencode(path.suffix, picture, options)
    if not ok:
        raise OSError(f"could not encode {path}")
    path.write_bytes(data.tobytes())
