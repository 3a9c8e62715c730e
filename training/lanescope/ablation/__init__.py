"""The paper's ablation on simulated SIXray: base, H, HR, CH and CHR at 10, 100 and 1000 negatives a positive, by one command.

What is the same for all variants of a seed: the scans and their order, the flips, the number of scans seen, the optimiser, and the
start, the pretrained backbone as it comes, from which *all levels train together* with the paper's loss (4.3) on image labels alone. What
differs is the variant. Two further arms of CHR: `warm` drops no negative before a share of the run, `masks` has masks as well.

The test set is one, of other objects than training: P positives and N negatives. At R negatives a positive each negative scan counts
R P / N times, which gives the expected average precision at that ratio without simulating a hundred thousand bags for it.
"""
