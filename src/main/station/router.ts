// Binds the contract to a station: arguments and answers are checked by the contract, refusals become its typed errors.
import { implement } from '@orpc/server'
import { contract } from '../../shared/contract'
import { NotFound, Refused } from './errors'
import type { Station } from './types'

interface TypedErrors {
  NOT_FOUND: (options: { message: string }) => Error
  REFUSED: (options: { message: string; data: { why: string } }) => Error
}

/** Runs `work`; what a person can act on becomes a typed error of the contract. */
async function answering<T>(errors: TypedErrors, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof NotFound) throw errors.NOT_FOUND({ message: error.message })
    if (error instanceof Refused) throw errors.REFUSED({ message: error.message, data: { why: error.message } })
    throw error
  }
}

/** The contract's procedures over a station; they need no context. */
export function createRouter(station: Station) {
  const os = implement(contract)
  const { alarms } = station
  return os.router({
    events: os.events.handler(({ signal }) => station.events(signal)),
    status: os.status.handler(() => station.status()),
    bags: {
      recent: os.bags.recent.handler(({ input }) => station.recent(input.limit)),
      get: os.bags.get.handler(({ input, errors }) => answering(errors, () => station.get(input.id))),
      search: os.bags.search.handler(({ input }) => station.search(input.filter, input.before, input.limit)),
      history: os.bags.history.handler(({ input, errors }) => answering(errors, () => station.history(input.id))),
      decide: os.bags.decide.handler(({ input, errors }) => answering(errors, () => station.decide(input))),
      review: os.bags.review.handler(({ input, errors }) => answering(errors, () => station.review(input))),
    },
    policy: {
      current: os.policy.current.handler(() => alarms.current()),
      list: os.policy.list.handler(() => alarms.list()),
      get: os.policy.get.handler(({ input, errors }) => answering(errors, () => alarms.get(input.version))),
      calibration: os.policy.calibration.handler(({ input, errors }) =>
        answering(errors, () => alarms.calibration(input.version)),
      ),
      try: os.policy.try.handler(({ input, errors }) => answering(errors, () => alarms.try(input))),
      set: os.policy.set.handler(({ input, errors }) => answering(errors, () => alarms.set(input))),
      share: os.policy.share.handler(({ input, errors }) => answering(errors, () => alarms.share(input))),
      save: os.policy.save.handler(({ input, errors }) => answering(errors, () => alarms.save(input))),
      rollBack: os.policy.rollBack.handler(({ input, errors }) => answering(errors, () => alarms.rollBack(input))),
    },
    alarms: {
      of: os.alarms.of.handler(({ input, errors }) => answering(errors, () => alarms.of(input))),
      proposal: os.alarms.proposal.handler(({ input, errors }) => answering(errors, () => alarms.proposal(input))),
      drift: os.alarms.drift.handler(({ errors }) => answering(errors, () => alarms.drift())),
    },
  })
}
