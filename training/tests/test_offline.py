"""Offline, always: no Python process of ours asks the network or leaves files about; ONNX Runtime's telemetry, on by default, is off."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lanescope

ROOT = Path(__file__).resolve().parents[2]
LIBRARIES = "torch, torchvision, cv2, PIL.Image, numpy, onnx, onnxruntime, sklearn"
MODEL = next(iter(sorted((ROOT / "resources/models").glob("*.onnx"))), None)


def strace_works() -> bool:
    return shutil.which("strace") is not None and subprocess.run(["strace", "-o", "/dev/null", "true"]).returncode == 0


def test_the_package_switches_telemetry_off_before_anything_else():
    script = "import os, lanescope; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    env = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | {"PYTHONPATH": str(ROOT / "training")}
    assert subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True).stdout == "1\n"


def first_imports(text: str) -> dict[str, int]:
    """Line of each top-level package's first import."""
    first: dict[str, int] = {}
    for node in ast.walk(ast.parse(text)):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [a.name for a in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or ""]
        for module in modules:
            package = module.split(".")[0]
            first[package] = min(first.get(package, node.lineno), node.lineno)
    return first


def test_whoever_imports_onnxruntime_imports_the_package_first_or_switches_telemetry_off_itself():
    listed = subprocess.run(["git", "ls-files", "-z", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    forgot = []
    for file in (ROOT / name for name in listed.split("\0") if name):
        if Path(lanescope.__file__).parent in file.parents or not file.exists():
            continue
        text = file.read_text(encoding="utf-8")
        first = first_imports(text)
        if "onnxruntime" in first and "ORT_DISABLE_TELEMETRY" not in text and first.get("lanescope", 10**9) > first["onnxruntime"]:
            forgot.append(str(file.relative_to(ROOT)))
    assert forgot == []


@pytest.mark.skipif(not strace_works(), reason="strace is missing or forbidden")
def test_every_library_loaded_and_a_session_run_it_asks_and_writes_nothing(tmp_path):
    pytest.importorskip("onnxruntime")
    home, trace = tmp_path / "home", tmp_path / "trace.txt"
    home.mkdir()
    script = f"""if True:
        import glob, time
        import lanescope
        import {LIBRARIES}
        session = onnxruntime.InferenceSession({str(MODEL)!r}, providers=["CPUExecutionProvider"])
        side = session.get_inputs()[0].shape[-1]
        session.run(None, {{session.get_inputs()[0].name: numpy.zeros((1, 3, side, side), numpy.float32)}})
        time.sleep(3)  # the telemetry's own thread has had its time
    """
    env = os.environ | {"HOME": str(home), "PYTHONPATH": str(ROOT / "training"), "PYTHONDONTWRITEBYTECODE": "1"}
    calls = "trace=?socket,?connect,?open,?openat,?creat,?mkdir,?mkdirat,?rename,?renameat,?renameat2"
    command = ["strace", "-f", "--seccomp-bpf", "-s", "256", "-o", str(trace), "-e", calls, sys.executable, "-c", script]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    lines = trace.read_text(encoding="utf-8", errors="replace").splitlines()
    assert any("onnxruntime" in line for line in lines), "it was not watched"
    # a socket alone asks nothing: urllib3 makes one to see whether there is IPv6
    asked = [line for line in lines if re.search(r"AF_INET6?, SOCK_DGRAM|sa_family=AF_INET|/etc/hosts", line)]
    assert [line for line in asked if not re.search(r'"(127\.0\.0\.1|::1)"', line)] == []
    made = [line for line in lines if re.search(r"O_WRONLY|O_RDWR|O_CREAT| mkdir| rename| creat", line)]
    # OpenBLAS and glibc's semaphores live in memory, under a name that is at once gone
    assert [line for line in made if not re.search(r'"/dev/(null|shm/)', line)] == []
    assert list(home.iterdir()) == []
