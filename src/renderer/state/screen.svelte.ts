// Everything that the screens share, made once.
import { getContext, setContext } from 'svelte'
import type { Bag } from '../../shared/bag'
import type { Open } from './client'
import { Clock } from './clock.svelte'
import { Live } from './live.svelte'
import { Log } from './log.svelte'
import { Operator } from './operator.svelte'
import { Person } from './person.svelte'
import { Policies } from './policies.svelte'
import { Router } from './router.svelte'
import { Sound } from './sound.svelte'
import { Alarms } from './alarms.svelte'
import { View } from './view.svelte'
import { needsCare } from './words'

export class Screen {
  readonly clock = new Clock()
  readonly person = new Person()
  readonly sound = new Sound()
  readonly router = new Router()
  readonly live: Live
  readonly operator: Operator
  readonly policies: Policies
  readonly log: Log
  readonly alarms: Alarms
  /** how the operator's bag and the log's bag are looked at */
  readonly view = new View()
  readonly logView = new View()
  help = $state(false)

  constructor(open: Open) {
    this.live = new Live(open)
    this.operator = new Operator(this.live, this.person, this.view)
    this.policies = new Policies(this.live)
    this.log = new Log(this.live, this.person, this.router)
    this.alarms = new Alarms(this.live, this.person)
    this.live.onBag((bag) => this.#heard(bag))
  }

  #heard(bag: Bag): void {
    if (needsCare(bag) && bag.decision === null && this.operator.waiting.some((b) => b.id === bag.id)) this.sound.ring(bag.id)
    this.log.changed(bag)
  }

  stop(): void {
    this.live.stop()
    this.operator.stop()
    this.alarms.stop()
    this.clock.stop()
  }
}

const KEY = Symbol('screen')
export const provideScreen = (screen: Screen): Screen => setContext(KEY, screen)
export const useScreen = (): Screen => getContext<Screen>(KEY)
