// The audible alarm: two tones, once a bag, mutable; says when the browser keeps it silent.
import { SvelteSet } from 'svelte/reactivity'

const TONES = [880, 660, 880, 660, 880, 660]
const TONE_S = 0.17

export class Sound {
  muted = $state(false)
  /** `blocked`: browsers keep a page silent until a key or click; `none`: there is no audio here */
  state = $state<'ready' | 'blocked' | 'none'>('blocked')
  /** the bag that rang last, and how many have rung */
  lastBag = $state<number | null>(null)
  rung = $derived.by(() => this.#rung.size)
  readonly #rung = new SvelteSet<number>()
  #context: AudioContext | null = null
  /** the tones that are scheduled end then, in the context's seconds: several alarms at once ring once, not louder */
  #until = 0

  /** Rings for a bag, once. Returns whether this call was the first for the bag. */
  ring(bagId: number): boolean {
    if (this.#rung.has(bagId)) return false
    this.#rung.add(bagId)
    this.lastBag = bagId
    if (!this.muted) this.#play()
    return true
  }

  toggle(): void {
    this.muted = !this.muted
  }

  /** To be called on the first key or click: browsers allow sound only from then on. */
  async unlock(): Promise<void> {
    const context = this.#audio()
    if (context?.state === 'suspended') await context.resume().catch(() => undefined)
    this.#look(context)
  }

  #audio(): AudioContext | null {
    if (this.#context === null && typeof AudioContext !== 'undefined') {
      const context = new AudioContext()
      context.addEventListener('statechange', () => this.#look(context))
      this.#context = context
    }
    this.#look(this.#context)
    return this.#context
  }

  #look(context: AudioContext | null): void {
    this.state = context === null ? 'none' : context.state === 'running' ? 'ready' : 'blocked'
  }

  #play(): void {
    const context = this.#audio()
    if (context?.state !== 'running' || context.currentTime < this.#until) return
    this.#until = context.currentTime + TONES.length * TONE_S
    TONES.forEach((hertz, i) => {
      const from = context.currentTime + i * TONE_S
      const tone = new OscillatorNode(context, { type: 'triangle', frequency: hertz })
      const gain = new GainNode(context, { gain: 0 })
      // a short rise and fall: a hard edge clicks
      gain.gain.setValueAtTime(0, from)
      gain.gain.linearRampToValueAtTime(0.5, from + 0.015)
      gain.gain.setValueAtTime(0.5, from + TONE_S - 0.03)
      gain.gain.linearRampToValueAtTime(0, from + TONE_S)
      tone.connect(gain).connect(context.destination)
      tone.start(from)
      tone.stop(from + TONE_S)
    })
  }
}
