"""Lanescope training: the CHR network, its data and its export. Meets the app only at docs/MODEL_CONTRACT.md."""

import os

# Offline, always: ONNX Runtime has telemetry on by default (host look-ups, a device id under ~/.cache, a log under /tmp) unless the
# environment says otherwise when it loads. This line runs before any module of the package, so before any of them imports onnxruntime.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
