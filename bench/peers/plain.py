"""What a first Python script does: one scan after the other, Pillow, NumPy and ONNX Runtime as they come.

python bench/peers/plain.py MODEL.json FILE…   one line a scan: the file and its five fused logits. The preprocessing is training's own, so the work
and the results are the app's.
"""

import sys

from common import Model, scored

if __name__ == "__main__":
    model = Model(sys.argv[1])
    for file in sys.argv[2:]:
        print(scored(model, file), flush=True)
