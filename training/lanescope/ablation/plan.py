"""What the ablation trains, and with how much."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

VARIANTS = ("base", "H", "HR", "CH", "CHR")


@dataclass(frozen=True)
class Plan:
    """All that decides the table's numbers (with the seeds). The defaults are the full budget."""

    size: int = 96
    backbone: str = "mobilenet_v2"
    pooling: str = "lse"
    fusion: str = "probabilities"
    positives: int = 2_000
    test_positives: int = 500
    test_negatives: int = 5_000
    pool: int = 20_000
    """Distinct negatives for training at most: beyond, the ratio is kept by showing them again (each ten times at 100)."""
    batch: int = 64
    scans: int = 100_000
    """Scans seen by each variant."""
    rate: float = 2e-3
    backbone_factor: float = 0.4
    weight_decay: float = 0.02
    warmup: float = 0.05
    ema: float = 0.99
    epsilon: float = 0.1
    warm: float = 0.3
    """Share of the run in which the `warm` arm drops no negative."""
    frozen: int = 1
    """1: the backbone's first stage (to stride 8) stays as the pretrained start left it, so its maps are computed once for all variants and
    seeds, and a scan costs a third. 0: it trains too."""

    def __post_init__(self) -> None:
        if self.frozen not in (0, 1):
            raise ValueError(f"frozen must be 0 or 1, not {self.frozen}")

    @property
    def steps(self) -> int:
        return self.scans // self.batch


@dataclass(frozen=True)
class Run:
    """One cell of the table for one seed."""

    variant: str
    ratio: int
    seed: int
    masks: bool = False
    """Supervised with masks as well as image labels."""
    warm: bool = False
    """No negative is dropped before `Plan.warm`: all levels learn first."""

    @property
    def name(self) -> str:
        return f"{self.variant}-{self.ratio}-seed{self.seed}{'-masks' if self.masks else ''}{'-warm' if self.warm else ''}"

    @property
    def arm(self) -> str:
        """The row of the table."""
        return f"{self.variant}{', masks' if self.masks else ''}{', warm-up' if self.warm else ''}"

    def file(self, folder: Path, plan: Plan) -> Path:
        """Where its scores are kept: runs of different budgets share scans and maps, not results."""
        return folder / f"scans-{plan.scans}" / f"{self.name}.npz"
