// A manifest as the training code writes it, for tests of what is made from one.
import { mapClasses, THREAT_CLASSES } from '../../../src/shared/classes'
import { modelManifest } from '../../../src/shared/manifest'

const moment = (mean: number, sd: number) => ({ mean, sd })
export const manifest = modelManifest.parse({
  schema: 1,
  name: 'test-model',
  version: '1',
  file: 'test-model.onnx',
  sha256: 'a'.repeat(64),
  bytes: 1,
  precision: 'fp32',
  backbone: 'none',
  variant: 'CHR',
  levels: 3,
  input: { name: 'scan', size: 320, mean: [0, 0, 0], std: [1, 1, 1], preprocessing: 'bag-1' },
  outputs: { logits: 'logits', cams: ['cam_1', 'cam_2', 'cam_3'] },
  classes: THREAT_CLASSES,
  calibration: {
    method: 'platt',
    sample: 'made up',
    classes: mapClasses(() => ({ a: 1, b: 0, prevalence: 0.2, positives: 200, negatives: 800 })),
  },
  thresholds: mapClasses(() => ({ advisory: 1, alarm: 4 })),
  imageStatistics: {
    brightness: moment(150, 10),
    background: moment(245, 3),
    aspect: moment(1.5, 0.3),
    bagShare: moment(0.5, 0.1),
  },
  provenance: {},
  figures: [],
})
