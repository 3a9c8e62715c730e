// One place that hears the keyboard: finds what a key means in the view shown, never while a person is typing.
export interface KeyBinding {
  /** as KeyboardEvent.key, lower case; several for one meaning */
  keys: readonly string[]
  /** for the help: how the keys are written */
  label: string
  does: string
  run: (event: KeyboardEvent) => void
  /** may repeat while held (zoom, pan, steps); decisions may not */
  repeats?: boolean
}
export interface KeyGroup {
  title: string
  keys: readonly KeyBinding[]
}

const TYPING = ['text', 'search', 'number', 'datetime-local', 'date', 'time', 'range']
/** A person is typing, or choosing in a control that has keys of its own. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable || target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement) return true
  return target instanceof HTMLInputElement && TYPING.includes(target.type)
}

/** Runs the first binding that means this key; true when there was one. Esc leaves a field, whichever, so that the keys work again. */
export function handle(event: KeyboardEvent, groups: readonly KeyGroup[]): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return false
  if (isTyping(event.target)) {
    if (event.key === 'Escape' && event.target instanceof HTMLElement) event.target.blur()
    return false
  }
  const key = event.key.toLowerCase()
  // Space and Enter on a focused button are that button's own.
  const onButton = event.target instanceof Element && event.target.closest('button, a, summary, [role="button"]') !== null
  if (onButton && (key === ' ' || key === 'enter')) return false
  for (const { keys } of groups)
    for (const binding of keys)
      if (binding.keys.includes(key)) {
        event.preventDefault()
        if (!event.repeat || binding.repeats === true) binding.run(event)
        return true
      }
  return false
}
