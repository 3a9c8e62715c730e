"""Checkpoints: whole or not there, read as they were written."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import torch


def save_atomically(state: dict[str, Any], file: Path) -> None:
    """A checkpoint is either the old or the new one, never half."""
    temporary = file.with_suffix(".part")
    torch.save(state, temporary)
    os.replace(temporary, file)


def load_checkpoint(file: Path) -> dict[str, Any]:
    """Read a checkpoint of this project (they hold plain Python and tensors; only open ones you trust)."""
    options: dict[str, Any] = {"weights_only": False} if "weights_only" in torch.load.__code__.co_varnames else {}
    state: dict[str, Any] = torch.load(file, map_location="cpu", **options)
    return state
