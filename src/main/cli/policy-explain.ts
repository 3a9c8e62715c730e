// `lanescope policy explain`: how a scan's logits become a posterior and a tier, class by class.
import { calibratedLogOdds, posteriorAt } from '../../domain/calibration'
import { modelName } from '../../domain/first-policy'
import { fromLogOdds } from '../../domain/prior-shift'
import { posteriorInWords } from '../../domain/words'
import { THREAT_CLASSES, type ThreatClass } from '../../shared/classes'
import { screenAndJudge } from '../station/judging'
import type { ScreenedRecord } from '../station/ports'
import { judging, modelOf, sampleOfModel, type BookOptions, type Judging } from './book'
import { EXIT, UsageError } from './exit'
import { commandInference, judgingBy } from './inference'
import { oneIn, say, setWords } from './policy-words'
import { readScan } from './scan-files'

export async function explain(scan: string, options: BookOptions & { policy?: number }): Promise<void> {
  const model = modelOf(options.model)
  const read = await readScan(scan)
  if ('unreadable' in read) throw new UsageError(`${scan}: ${read.unreadable}`)
  const by = await judging(options, model, await sampleOfModel(model), options.policy)
  const { policy, calibration, from } = by
  if (policy.modelSha256 !== model.manifest.sha256)
    throw new UsageError(
      `Policy ${policy.version} belongs to ${policy.model}, not to ${modelName(model.manifest)}: name its model with --model.`,
    )
  const inference = commandInference(model)
  try {
    const { record } = await screenAndJudge(read.bytes, judgingBy(inference, policy, calibration))
    const { classes, verdict, reason, provider } = record
    if (classes === null) {
      say(`${scan}: UNSCREENABLE, to be treated as an alarm. ${reason ?? ''}`)
      process.exitCode = EXIT.unscreenable
      return
    }
    say(
      `${scan}: ${verdict.toUpperCase()} under policy ${policy.version} (${from}), model ${modelName(model.manifest)}, ${provider ?? ''}`,
    )
    for (const c of THREAT_CLASSES) explainClass(c, classes[c], by)
  } finally {
    await inference.stop()
  }
}

type ClassRecord = NonNullable<ScreenedRecord['classes']>[ThreatClass]

function explainClass(c: ThreatClass, { logits, fused, posterior, tier }: ClassRecord, { policy, calibration }: Judging): void {
  const { map, prevalence } = calibration.classes[c]
  const inSample = percent(fromLogOdds(calibratedLogOdds(map, fused)))
  const at = (t: number): string => posteriorInWords(posteriorAt(calibration.classes[c], t, policy.prevalence[c]))
  const reached = (t: number): string => (fused >= t ? 'reached' : `short by ${(t - fused).toFixed(3)}`)
  say(`\n${c}: ${tier === 'none' ? 'no alarm' : tier.toUpperCase()}`)
  say(`  logits by level      ${logits.map((z) => z.toFixed(3)).join(', ')}; their mean, the fused logit: ${fused.toFixed(3)}`)
  say(`  calibrated           ${inSample} in the calibration sample, where ${percent(prevalence)} hold a ${c} (${map.method})`)
  say(
    `  at this lane         ${posteriorInWords(posterior)} (${percent(posterior)}): here ${oneIn(policy.prevalence[c])} bags hold one`,
  )
  for (const name of ['advisory', 'alarm'] as const) {
    const { threshold, setBy } = policy.classes[c][name]
    say(`  ${`${name} from`.padEnd(20)} ${threshold.toFixed(3)} (${at(threshold)}): ${reached(threshold)}; ${setWords(setBy)}`)
  }
}

const percent = (p: number): string => `${Number((100 * p).toPrecision(3))} %`
