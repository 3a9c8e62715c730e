"""No module imports itself by way of others; imports in functions and for types count too."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "lanescope"


def modules(package: Path) -> dict[str, Path]:
    """The modules of a package by dotted name."""
    found = {}
    for path in package.rglob("*.py"):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, path: Path, known: set[str]) -> set[str]:
    """The modules among `known` that one of them imports, at any depth. `from a import b` means `a.b` where that is a module."""
    found = set()
    folder = name.split(".") if path.stem == "__init__" else name.split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else []
            source = ".".join([*above, *([node.module] if node.module else [])])
            names = {f"{source}.{alias.name}" for alias in node.names}
            found |= names if names <= known else (names & known) | {source}
    return found & known


def check(package: Path) -> None:
    """Raises CycleError, which names the circle."""
    known = modules(package)
    graph = {name: imports(name, path, set(known)) - {name} for name, path in known.items()}
    TopologicalSorter(graph).prepare()


def test_no_circles() -> None:
    check(PACKAGE)


def test_a_circle_is_found(tmp_path: Path) -> None:
    package = tmp_path / "some"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "a.py").write_text("from some import b\n")
    (package / "b.py").write_text("def late():\n    from .a import x\n    return x\n")
    with pytest.raises(CycleError):
        check(package)
