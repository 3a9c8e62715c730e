"""Generated parts of docs/RESULTS.md: each command rewrites its own section between two markers and leaves the rest alone."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path


def replace_section(file: Path, name: str, text: str) -> None:
    """Put text between `<!-- name:begin -->` and `<!-- name:end -->`; the markers are added at the end where they are missing."""
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    whole = file.read_text(encoding="utf-8") if file.exists() else ""
    if begin not in whole or end not in whole:
        whole = f"{whole.rstrip()}\n\n{begin}\n{end}\n".lstrip()
    before, rest = whole.split(begin, 1)
    _, after = rest.split(end, 1)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{before}{begin}\n{text.strip()}\n{end}{after}", encoding="utf-8")


def table(header: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    return "\n".join(["| " + " | ".join(r) + " |" for r in (header, ["---"] * len(header), *rows)])


def commit() -> str:
    """The checkout's commit, short; "unknown" outside one."""
    done = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def machine() -> str:
    """Processor and core count in words."""
    import os

    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if line.startswith("model name")]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores"
