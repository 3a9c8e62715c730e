"""Cut SIXray10, SIXray100 or SIXray1000 with their 80/20 splits from a data set's lists, by the paper's rules."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from lanescope.sixray import LayoutError, SIXray, counts, subset


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("root", type=Path, help="folder with ImageSet")
    parser.add_argument("--ratios", type=int, nargs="+", default=[10, 100, 1000], help="negatives a positive (default: 10 100 1000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True, help="folder for SIXray<ratio>_{train,test}.csv")


def run(args: argparse.Namespace) -> int:
    try:
        pool = SIXray(args.root).everything()
        for ratio in args.ratios:
            cut = subset(pool, ratio, args.seed)
            for part, images in (("train", cut.train), ("test", cut.test)):
                images.write(args.out / f"SIXray{ratio}_{part}.csv")
                row = counts(images)
                print(f"SIXray{ratio} {part}: {row['positives']:,} positive, {row['negatives']:,} negative")
            got = counts(cut.train)["negatives"] + counts(cut.test)["negatives"]
            if got < cut.wanted:
                print(
                    f"SIXray{ratio}: the lists hold only {got:,} of {cut.wanted:,} negatives: {cut.ratio:.1f} a positive", file=sys.stderr
                )
    except (LayoutError, OSError, ValueError) as error:
        print(f"subsets: {error}", file=sys.stderr)
        return 1
    return 0
