// `lanescope policy simulate`: what a policy would do to so many bags, drawn from held-out scores.
import { upperBound } from '../../domain/rates'
import { parseScores, sampleOf } from '../../domain/scores'
import { simulate as simulateBags, type Simulated } from '../../domain/simulate'
import { posteriorInWords } from '../../domain/words'
import { THREAT_CLASSES } from '../../shared/classes'
import { judging, modelOf, sampleOfModel, type BookOptions } from './book'
import { percent, rate, say } from './policy-words'
import { readText } from './text'

interface SimulateOptions extends BookOptions {
  bags: number
  prevalence: number
  seed: number
  scores?: string
  policy?: number
  json?: boolean
}

export async function simulate(options: SimulateOptions): Promise<void> {
  const model = modelOf(options.model)
  const own = await sampleOfModel(model)
  const { policy, calibration, from } = await judging(options, model, own, options.policy)
  const sample = options.scores === undefined ? own : sampleOf(parseScores(readText(options.scores)))
  const began = performance.now()
  const month = simulateBags(sample, policy, calibration, options.bags, options.prevalence, options.seed)
  if (options.json) {
    say(JSON.stringify(month))
    return
  }
  say(
    `${count(month.bags)} bags at ${options.prevalence} with a threat, policy ${policy.version} (${from}), drawn from ${options.scores ?? "the model's held-out scores"}, ${((performance.now() - began) / 1000).toFixed(1)} s`,
  )
  print(month, policy.anyAlarm?.falseAlarmUpper95)
  say(
    `(The draw repeats a finite sample: ${sample.benign.length} independent benign bags; a rate below ${rate(upperBound(0, sample.benign.length))} per 1,000 it cannot tell.)`,
  )
}

const count = (n: number): string => n.toLocaleString('en-US')

/** `promised`: the upper bound on the false-alarm rate that the policy promises, if it does. */
function print(month: Simulated, promised: number | undefined): void {
  const alarms = month.falseAlarms + month.found
  say(
    `False alarms     ${count(month.falseAlarms)} of ${count(month.benign)} benign bags: ${rate(month.falseAlarms / month.benign)} per 1,000` +
      (promised === undefined
        ? ' (the policy promises no rate)'
        : `; promised at most ${rate(promised)}: ${month.falseAlarms / month.benign <= promised ? 'kept' : 'BROKEN'}`),
  )
  say(`Advisories       ${count(month.falseAdvisories)} benign bags: ${rate(month.falseAdvisories / month.benign)} per 1,000`)
  say(
    `Threats          ${count(month.threats)}: ${count(month.found)} alarmed (${percent(month.threats ? month.found / month.threats : null)}), ${count(month.advised)} advisory only, ${count(month.missed)} missed`,
  )
  say(`An alarm was right ${alarms ? posteriorInWords(month.found / alarms) : 'never: there was none'} (${count(alarms)} alarms)`)
  say(`Calibration error ${month.calibrationError.toExponential(1)} (mean |posterior − truth| over bins of posterior)`)
  for (const c of THREAT_CLASSES) {
    const { threats, found, falseAlarms, expected } = month.classes[c]
    say(
      `  ${c.padEnd(9)} ${count(threats)} threats, the posteriors said ${count(Math.round(expected))}; ${count(found)} alarmed as ${c}; ${count(falseAlarms)} false`,
    )
  }
}
