// `lanescope policy export` and `import`: a policy and its calibration as one JSON document.
import { writeFileSync } from 'node:fs'
import * as z from 'zod'
import { calibration as calibrationSchema, policy as policySchema } from '../../shared/policy'
import { judging, modelOf, sampleOfModel, withBook, type BookOptions } from './book'
import { UsageError } from './exit'
import { say } from './policy-words'
import { readJson } from './text'
import { out } from './terminal'

const exported = z.object({
  kind: z.literal('lanescope-policy'),
  schema: z.literal(1),
  policy: policySchema,
  calibration: calibrationSchema,
})

export async function exportPolicy(version: number | undefined, options: BookOptions & { out?: string }): Promise<void> {
  const model = modelOf(options.model)
  const { policy, calibration } = await judging(options, model, await sampleOfModel(model), version)
  const document: z.infer<typeof exported> = { kind: 'lanescope-policy', schema: 1, policy, calibration }
  const text = JSON.stringify(document, null, 2)
  if (options.out === undefined) await out(...text.split('\n'))
  else writeFileSync(options.out, `${text}\n`)
}

/** Who and why; wrong use where either is missing. */
export function signed(command: string, options: { person?: string; reason?: string }): { person: string; reason: string } {
  const [person = '', reason = ''] = [options.person?.trim(), options.reason?.trim()]
  if (person === '' || reason === '')
    throw new UsageError(`${command} needs --person NAME and --reason WORDS: every policy is signed.`)
  return { person, reason }
}

export async function importPolicy(file: string, options: BookOptions & { person?: string; reason?: string }): Promise<void> {
  const { person, reason } = signed('policy import', options)
  const parsed = exported.safeParse(readJson(file))
  if (!parsed.success) throw new UsageError(`${file} is not an exported policy: ${z.prettifyError(parsed.error)}`)
  const { policy, calibration } = parsed.data
  const saved = await withBook(options, (book) => {
    const inForce = book.isEmpty() ? null : book.current()
    if (inForce && inForce.modelSha256 !== policy.modelSha256)
      throw new UsageError(
        `This policy belongs to ${policy.model}; the lane runs ${inForce.model}. Its thresholds would mean nothing there.`,
      )
    const at = Date.now()
    const known = book.calibration(calibration.version)
    const same =
      known !== null &&
      JSON.stringify(known.classes) === JSON.stringify(calibration.classes) &&
      known.modelSha256 === calibration.modelSha256
    const { version: _c, ...map } = calibration
    const { version } = same ? known : book.saveCalibration({ ...map, createdAt: at, author: person })
    const { version: old, ...rest } = policy
    return book.save({
      ...rest,
      calibration: version,
      createdAt: at,
      author: person,
      reason: `Imported (policy ${old} by ${policy.author}): ${reason}`,
    })
  })
  say(`Policy ${saved.version} is in force.`)
}
