"""Names of before `lanescope.measure`, where they live now."""

from lanescope.measure.estimates import auc_estimate, pointing_table
from lanescope.measure.pointing import in_any_box
from lanescope.measure.ranking import roc_auc
from lanescope.measure.resampling import bootstrap, interval, wilson

__all__ = ["auc_estimate", "bootstrap", "in_any_box", "interval", "pointing_table", "roc_auc", "wilson"]
