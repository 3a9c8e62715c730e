// Every key of every view, with what it does: the keyboard and the help read the same list.
import type { DecisionAction, OutcomeKind } from '../../shared/bag'
import { THREAT_CLASSES } from '../../shared/classes'
import type { KeyBinding, KeyGroup } from './keys'
import type { Screen } from './screen.svelte'
import { IMAGE_FUNCTIONS, PAN_STEP, ZOOM, type View } from './view.svelte'
import { topClass } from './words'

type Run = KeyBinding['run']
const key = (label: string, keys: readonly string[], does: string, run: Run, repeats = false): KeyBinding => ({
  label,
  keys,
  does,
  run,
  repeats,
})

export function keysOf(screen: Screen): KeyGroup[] {
  const { router } = screen
  const views: KeyGroup = {
    title: 'Everywhere',
    keys: [
      key('O', ['o'], 'operator’s screen', () => router.go('operator')),
      key('L', ['l'], 'log', () => router.go('log')),
      key('A', ['a'], 'alarms and thresholds', () => router.go('alarms')),
      key('M', ['m'], 'sound off and on', () => screen.sound.toggle()),
      key('P', ['p'], 'change the person', () => (screen.person.asking = true)),
      key('?', ['?'], 'this help', () => (screen.help = !screen.help)),
    ],
  }
  if (router.view === 'operator')
    return [
      ...(screen.view.zoom > 1 ? [panning(screen.view)] : []),
      decisions(screen),
      belt(screen),
      ...looking(screen.view, () => screen.operator.current),
      views,
    ]
  if (router.view === 'log')
    return [
      ...(screen.logView.zoom > 1 ? [panning(screen.logView)] : []),
      logKeys(screen),
      reviewKeys(screen),
      ...looking(screen.logView, () => screen.log.open, screen.log.review.pointing),
      views,
    ]
  return [views]
}

function decisions({ operator }: Screen): KeyGroup {
  const decide = (label: string, k: string, action: DecisionAction, does: string): KeyBinding =>
    key(label, [k], does, () => void operator.decide(action))
  return {
    title: 'Decide',
    keys: [
      decide('Space', ' ', 'clear', 'clear the bag (an alarm: press twice)'),
      decide('S', 's', 'search', 'search the bag'),
      decide('D', 'd', 'hold', 'hold the bag'),
      key('N', ['n'], 'note a reason for the decision', () => document.getElementById('decision-reason')?.focus()),
    ],
  }
}

function belt({ operator }: Screen): KeyGroup {
  return {
    title: 'Belt',
    keys: [
      key('→', ['arrowright'], 'an older bag', (e) => (e.shiftKey ? undefined : operator.step(1)), true),
      key('←', ['arrowleft'], 'a newer bag', (e) => (e.shiftKey ? undefined : operator.step(-1)), true),
      key('Home', ['home'], 'back to the lane; lets go of a held bag', () => operator.goLive()),
    ],
  }
}

/** A zoomed scan takes the arrows for itself, before belt, list and heat: nothing may jump away from under a close look. */
function panning(view: View): KeyGroup {
  const move = (label: string, k: string, does: string, x: number, y: number): KeyBinding =>
    key(label, [k], does, () => view.pan(x * PAN_STEP, y * PAN_STEP), true)
  return {
    title: 'Zoomed in (0 shows the whole bag again)',
    keys: [
      move('←', 'arrowleft', 'look further left', 1, 0),
      move('→', 'arrowright', 'look further right', -1, 0),
      move('↑', 'arrowup', 'look further up', 0, 1),
      move('↓', 'arrowdown', 'look further down', 0, -1),
    ],
  }
}

function looking(view: View, bag: () => Parameters<typeof topClass>[0] | null, classKeys = false): KeyGroup[] {
  const shown = () => {
    const current = bag()
    return view.chosen ?? (current === null ? null : topClass(current))
  }
  const heat: KeyGroup = {
    title: 'Heat: where the network looked',
    keys: [
      key('H', ['h'], 'heat on and off', () => (view.heat = !view.heat)),
      key('[', ['['], 'fainter', () => view.fade(-0.1), true),
      key(']', [']'], 'stronger', () => view.fade(0.1), true),
      key('↑ ↓', ['arrowup', 'arrowdown'], 'heat of another class', (e) => {
        view.stepClass(e.key === 'ArrowUp' ? -1 : 1, shown())
        view.heat = true
      }),
    ],
  }
  const image: KeyGroup = {
    title: 'Scan',
    keys: [
      key('1', ['1'], 'the raw scan: every function off', () => view.showRaw()),
      ...IMAGE_FUNCTIONS.map((f) => key(f.key, [f.key], `${f.name}: ${f.does}`, () => view.toggle(f.id))),
      key(
        '+ −',
        ['+', '=', '-', '_'],
        'zoom (or the wheel; drag to move)',
        (e) => view.zoomBy(e.key === '+' || e.key === '=' ? ZOOM.step : 1 / ZOOM.step),
        true,
      ),
      key('0', ['0'], 'the whole bag', () => view.fit()),
    ],
  }
  return classKeys ? [heat] : [image, heat]
}

function logKeys({ log }: Screen): KeyGroup {
  return {
    title: 'Log',
    keys: [
      key('J', ['j', 'arrowright'], 'next bag', () => void log.step(1), true),
      key('K', ['k', 'arrowleft'], 'previous bag', () => void log.step(-1), true),
      key('PgDn', ['pagedown'], 'load more', () => void log.loadMore()),
      key('R', ['r'], 'look again for new bags', () => void log.reload()),
      key('/', ['/'], 'to the filters', () => document.querySelector<HTMLElement>('[data-filters] select')?.focus()),
    ],
  }
}

function reviewKeys({ log }: Screen): KeyGroup {
  const { review } = log
  const begin = (label: string, kind: OutcomeKind, does: string): KeyBinding =>
    key(label, [label.toLowerCase()], does, () => {
      if (log.open !== null) void review.begin(log.open, kind)
    })
  const pointing = THREAT_CLASSES.map((c, i) =>
    key(String(i + 1), [String(i + 1)], `in the bag: ${c} (again: not)`, () => {
      if (log.open !== null) review.choose(log.open, c)
    }),
  )
  return {
    title: 'Review the open bag',
    keys: [
      begin('C', 'confirmed', 'confirmed: threats were there (then 1–5, and a click or a box on the scan)'),
      begin('F', 'false-alarm', 'false alarm'),
      begin('U', 'unsure', 'unsure'),
      begin('X', 'missed', 'missed: a threat without an alarm'),
      key('N', ['n'], 'comment', () => document.getElementById('review-comment')?.focus()),
      key('Enter', ['enter'], 'save the outcome', () => {
        if (log.open !== null) void review.save(log.open)
      }),
      key('Esc', ['escape'], 'give up the outcome', () => review.reset()),
      ...(review.pointing ? pointing : []),
    ],
  }
}
