"""The same by somebody who has read the manuals: a process a core, one thread in each library, files handed out one by one.

python bench/peers/tuned.py MODEL.json FILE…
"""

import multiprocessing
import os
import sys

PROCESSES = int(os.environ.get("PEER_PROCESSES", "2"))
os.environ["OMP_NUM_THREADS"] = os.environ["OPENBLAS_NUM_THREADS"] = "1"

import cv2  # noqa: E402
from common import Model, scored  # noqa: E402

_model: Model | None = None


def start(manifest: str) -> None:
    global _model
    cv2.setNumThreads(1)
    _model = Model(manifest, threads=1)


def work(file: str) -> str:
    assert _model is not None
    return scored(_model, file)


if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(PROCESSES, start, sys.argv[1:2]) as pool:
        for line in pool.imap(work, sys.argv[2:]):
            print(line, flush=True)
