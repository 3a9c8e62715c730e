// `lanescope policy preset`: one of the model's own sets of thresholds, put in force as a new signed version.
import { presetClasses, presetNames } from '../../domain/first-policy'
import { anyPromise, withPromises } from '../../domain/thresholds'
import { modelOf, sampleOfModel, withBook, type BookOptions } from './book'
import { UsageError } from './exit'
import { signed } from './policy-exchange'
import { say } from './policy-words'

export async function preset(
  name: string | undefined,
  options: BookOptions & { person?: string; reason?: string },
): Promise<void> {
  const model = modelOf(options.model)
  if (name === undefined) {
    for (const known of presetNames(model.manifest)) say(known)
    return
  }
  if (!presetNames(model.manifest).includes(name))
    throw new UsageError(`There is no preset ${name}; the model has ${presetNames(model.manifest).join(', ')}.`)
  const { person, reason } = signed('policy preset', options)
  const sample = await sampleOfModel(model)
  const saved = await withBook(options, (book) => {
    if (book.isEmpty()) throw new UsageError('The lane has no policy yet: start it once.')
    const { version: _v, ...current } = book.current()
    if (current.modelSha256 !== model.manifest.sha256)
      throw new UsageError(
        `The lane runs ${current.model}, not ${model.manifest.name}: these thresholds would mean nothing there.`,
      )
    const next = { version: 0, ...current, classes: presetClasses(model.manifest, name) }
    const promised =
      sample.benign.length === 0 ? next : { ...withPromises(next, sample), anyAlarm: anyPromise(sample, next, 'alarm') }
    const { version: _next, ...rest } = promised
    return book.save({ ...rest, createdAt: Date.now(), author: person, reason: `Preset "${name}": ${reason}` })
  })
  say(`Policy ${saved.version} is in force: preset "${name}".`)
}
