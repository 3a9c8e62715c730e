"""A model card in Markdown, made from a model's manifest alone: what it is, what it can do and what it can't, in words and figures."""
# ruff: noqa: E501 (sentences of the card are not broken in the middle)

from __future__ import annotations

from typing import Any

from lanescope.report import table

Manifest = dict[str, Any]

GROUPS = (
    (
        "bags.",
        "Real scans held out by runs of numbers and scanner type, whole, as a lane sees them: in alarm under the shipped policy, with the threat erased, erased twins, pointing",
    ),
    ("frames.", "Belt frames of several bags, threats projected at their own scale into one of them"),
    ("opixray.", "Real scans: OPIXray's official validation list (never trained on; scans of neighbouring numbers may have been)"),
    ("heldout.", "Real scans: OPIXray blocks of numbers that training never touched"),
    ("twins.", "Held-out composites against their twins (same bag, same clutter, same noise, no threat)"),
    ("staged.", "Real scans: guns and knives of SIXray's staged test bags (two bags; training saw two others)"),
    ("sixray.", "Comparison of sources (says nothing of threats)"),
    ("", "Validation, at export"),
)


def model_card(manifest: Manifest) -> str:
    """The card's text."""
    made = manifest["provenance"]
    size = manifest["input"]["size"]
    parts = [
        f"# {manifest['name']} ({manifest['version']})",
        what_it_is(manifest),
        "## Licence and data",
        f"**{made.get('licence', 'not stated')}**.",
        "\n".join(f"- {line}" for line in made.get("data", [])) or "- not stated",
        f"Starting weights: {made.get('start', 'not stated')}.",
        "## How it was made",
        f"Supervision: {made.get('supervision', 'not stated')}. {made.get('minutes', '?')} minutes of training on {made.get('machine', '?')}, "
        f"{_count(made.get('scans'))} scans seen in {_count(made.get('steps'))} steps, seed {made.get('seed', '?')}, commit {made.get('commit', '?')}, "
        f"{made.get('date', '?')}. One run and one seed: the intervals below are over test scans, not over trainings.",
        "## Figures",
        "Brackets hold 95 % bootstrap intervals over bags. *Trial* is what a first trial of the project reached on the same question (other "
        "scans of the same sources, so the last digit means nothing). *Trivial cue* is what height, aspect, brightness or share of the prepared "
        "scan alone reach: a model is only as good as it is better than that.",
        *figures(manifest.get("figures", [])),
        "## What it misses, in plain words",
        "\n".join(f"- {line}" for line in limits(manifest)),
        "## Files",
        f"`{manifest['file']}` ({manifest['bytes'] / 1e6:.1f} MB, {manifest['precision']}), SHA-256 `{manifest['sha256']}`. Input {size} × {size} "
        f"(preprocessing `{manifest['input']['preprocessing']}`), {manifest['levels']} levels. Calibration: {manifest['calibration'].get('method', '?')} "
        f"on {manifest['calibration'].get('sample', '?')}.",
        "This page is made by `python -m lanescope model-card`; the figures come from `python -m lanescope evaluate-real --manifest` and from export.",
    ]
    return "\n\n".join(parts) + "\n"


def what_it_is(manifest: Manifest) -> str:
    classes = ", ".join(manifest["classes"][:-1]) + " and " + manifest["classes"][-1]
    return (
        f"A research model that scores X-ray scans of bags for {classes}, and shows where by class activation maps. It is a "
        f"{manifest['backbone']} with class-balanced hierarchical refinement (variant {manifest['variant']}; Miao et al., SIXray, CVPR 2019). "
        "It is **not certified equipment** and must not decide alone about any bag."
    )


def figures(entries: list[dict[str, Any]]) -> list[str]:
    """One table a group of figures, in the order of GROUPS."""
    parts, left = [], list(entries)
    for prefix, title in GROUPS:
        mine = [f for f in left if f.get("key", "").startswith(prefix) and (prefix or "key" not in f)]
        left = [f for f in left if f not in mine]
        if mine:
            parts += [f"### {title}", table(["what", "value [95 %]", "n", "chance", "trial", "trivial cue"], [row(f) for f in mine])]
    return parts or ["None measured."]


def row(f: dict[str, Any]) -> list[str]:
    low, high = f.get("interval") or (None, None)
    value = f"{f['value']:.3f}" + (f" [{low:.3f}, {high:.3f}]" if low is not None and high is not None else "")
    cue = f.get("cue")
    what = f["what"] + (f" ({f['note']})" if f.get("note") else "")
    chance = "" if f.get("chance") is None else f"{f['chance']:g}"
    return [what, value, f.get("n", ""), chance, f.get("trial", ""), f"{cue['name']} {cue['auc']:.3f}" if cue else ""]


def limits(manifest: Manifest) -> list[str]:
    """What a reader must know before relying on it, with the model's own figures where they exist."""
    found = {f["key"]: f for f in manifest.get("figures", []) if "key" in f}
    lines = []
    recall = found.get("twins.recall")
    if recall:
        lines.append(
            f"At one false alarm in 100 bags it finds {100 * recall['value']:.0f} of 100 held-out composite threats (95 %: "
            f"{100 * recall['interval'][0]:.0f} to {100 * recall['interval'][1]:.0f}): **most threats go unseen** at any false-alarm rate that a lane can bear."
            if recall["value"] < 0.5
            else f"At one false alarm in 100 bags it finds {100 * recall['value']:.0f} of 100 held-out composite threats."
        )
    for key, words in (("twins.size.small", "Small threats"), ("twins.contrast.low", "Faint threats")):
        if key in found:
            lines.append(f"{words} (the lowest third): AUC {found[key]['value']:.2f}, where 0.5 is guessing.")
    weak = [
        f"{f['what'].split(' against')[0]} {f['value']:.2f}"
        for key, f in found.items()
        if key.startswith(("opixray.erased.", "heldout.erased.")) and not key.endswith(".pairs") and f["interval"][0] < 0.6
    ]
    if weak:
        lines.append(f"On real scans with the threat erased against a random place erased it is close to guessing for: {'; '.join(weak)}.")
    lines += [
        "Real pliers are 18 scans without a box, scissors outside OPIXray and iFLYTEK a handful: pliers are learnt almost wholly from outlines and renders projected "
        "into real bags.",
        "Many SIXray positives are packed for the data set, in the same few bags and with the same weapons: groups are split by runs of numbers and by "
        "likeness, but some weapons may lie in both training and test.",
        *[
            f"{f['what']}: {f['n']}. Where this is high, it is the bag that alarms and not the threat."
            for key, f in found.items()
            if key.endswith(".erased-alarm")
        ],
        "Benign real bags are few. A false-alarm rate below about 1 in 100 can't be certified from them; the app says so where thresholds are set, and learns "
        "the rate from the lane.",
        "Another scanner's palette than those of SIXray, OPIXray and three iFLYTEK types, a dual view or greyscale is untested; the unseen fourth iFLYTEK type "
        "above shows how much is lost.",
        "Explosives, liquids, ammunition and every class beyond the five are not looked for.",
    ]
    return lines


def _count(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else "?"
