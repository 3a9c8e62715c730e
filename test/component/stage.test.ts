// Where a scan lies on its stage, what it is fitted to, and that nothing is drawn over a picture that is not there.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bagBox } from '../../src/renderer/state/bag-box'
import { framesOf } from '../../src/renderer/state/frames'
import { ScanPicture } from '../../src/renderer/state/scan-picture.svelte'
import { Stage } from '../../src/renderer/state/stage.svelte'
import { View, ZOOM } from '../../src/renderer/state/view.svelte'
import { aBag } from './fake'

function stageOf(
  scan: { width: number; height: number },
  bag = { x: 0, y: 0, width: 1, height: 1 },
  size = { width: 800, height: 600 },
) {
  const view = new View()
  const stage = new Stage(view)
  Object.assign(stage, size)
  stage.scan = scan
  stage.bag = bag
  const box = (): NonNullable<Stage['box']> => {
    if (stage.box === null) throw new Error('not placed')
    return stage.box
  }
  return { view, stage, box }
}

describe('the stage', () => {
  it('fits the bag, not the white canvas round it: a small bag on a large canvas fills the stage', () => {
    const { stage, box } = stageOf({ width: 1000, height: 1000 }, { x: 0.6, y: 0.1, width: 0.3, height: 0.2 })
    const bag = {
      left: box().left + stage.bag.x * box().width,
      top: box().top + stage.bag.y * box().height,
      width: stage.bag.width * box().width,
      height: stage.bag.height * box().height,
    }
    expect(bag.left).toBeGreaterThanOrEqual(0)
    expect(bag.left + bag.width).toBeLessThanOrEqual(800)
    expect(bag.top).toBeGreaterThanOrEqual(0)
    expect(bag.top + bag.height).toBeLessThanOrEqual(600)
    expect(Math.max(bag.width / 800, bag.height / 600)).toBeGreaterThan(0.95)
    // in the middle
    expect(bag.left + bag.width / 2).toBeCloseTo(400)
    expect(bag.top + bag.height / 2).toBeCloseTo(300)
  })

  it('keeps the scan’s shape and never blows a tiny one up to mush', () => {
    const { box } = stageOf({ width: 60, height: 30 })
    expect(box().width / box().height).toBeCloseTo(2)
    expect(box().width).toBe(240)
  })

  it('is not placed before the scan’s size and its own are known', () => {
    const stage = new Stage(new View())
    expect(stage.box).toBeNull()
    stage.scan = { width: 10, height: 10 }
    expect(stage.box).toBeNull()
    stage.move(1, 1)
    stage.zoomAt(2, 1, 1)
  })

  const fraction = fc.double({ min: 0.05, max: 0.95, noNaN: true })
  it('zooms about the pointer: what is under it stays under it', () => {
    fc.assert(
      fc.property(fraction, fraction, (x, y) => {
        const { stage, box } = stageOf({ width: 800, height: 600 })
        const [left, top] = [200 + 400 * x, 150 + 300 * y]
        const under = (): [x: number, y: number] => [(left - box().left) / box().width, (top - box().top) / box().height]
        const before = under()
        stage.zoomAt(ZOOM.step, left, top)
        stage.zoomAt(ZOOM.step, left, top)
        const after = under()
        expect(after[0]).toBeCloseTo(before[0], 6)
        expect(after[1]).toBeCloseTo(before[1], 6)
      }),
    )
  })
})

/** A white canvas with dark rectangles, RGBA. */
function canvas(
  width: number,
  height: number,
  dark: [x: number, y: number, w: number, h: number][],
  ground = 255,
): Uint8ClampedArray {
  const rgba = new Uint8ClampedArray(4 * width * height).fill(ground)
  for (const [x0, y0, w, h] of dark)
    for (let y = y0; y < y0 + h; y++) for (let x = x0; x < x0 + w; x++) rgba.set([200, 120, 40, 255], 4 * (y * width + x))
  return rgba
}

describe('the box of the bag', () => {
  it('holds the bag and what lies beside it, with a little room, and not the canvas', () => {
    const box = bagBox(
      canvas(100, 100, [
        [30, 40, 30, 20],
        [70, 70, 2, 2],
      ]),
      100,
      100,
    )
    expect(box.x).toBeLessThanOrEqual(0.3)
    expect(box.x).toBeGreaterThan(0.2)
    expect(box.x + box.width).toBeGreaterThanOrEqual(0.72)
    expect(box.x + box.width).toBeLessThan(0.8)
    expect(box.y + box.height).toBeGreaterThanOrEqual(0.72)
  })

  it('is not widened by single pixels of noise, and takes a grey or tinted background as background', () => {
    const noisy = canvas(
      100,
      100,
      [
        [40, 40, 20, 20],
        [2, 2, 1, 1],
        [97, 50, 1, 1],
      ],
      225,
    )
    const box = bagBox(noisy, 100, 100)
    expect(box.x).toBeGreaterThan(0.3)
    expect(box.x + box.width).toBeLessThan(0.7)
  })

  it('is the whole canvas where there is nothing, or no light background', () => {
    expect(bagBox(canvas(50, 40, []), 50, 40)).toEqual({ x: 0, y: 0, width: 1, height: 1 })
    const dark = bagBox(canvas(50, 40, [], 20), 50, 40)
    expect([dark.x, dark.y, dark.width, dark.height]).toEqual([0, 0, 1, 1])
  })

  it('never leaves the scan', () => {
    const n = fc.integer({ min: 0, max: 30 })
    fc.assert(
      fc.property(fc.array(fc.tuple(n, n, n, n), { maxLength: 4 }), (dark) => {
        const inside = dark.map(([x, y, w, h]): [number, number, number, number] => [
          x,
          y,
          Math.min(w, 40 - x),
          Math.min(h, 31 - y),
        ])
        const { x, y, width, height } = bagBox(canvas(40, 31, inside), 40, 31)
        expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
        expect(Math.max(x + width, y + height)).toBeLessThanOrEqual(1 + 1e-9)
        expect(Math.min(width, height)).toBeGreaterThan(0)
      }),
    )
  })
})

describe('the picture', () => {
  const image = (width: number, height: number) => ({ naturalWidth: width, naturalHeight: height }) as HTMLImageElement
  const tile = { width: 4, height: 3, values: new Uint8ClampedArray(12) }
  const tiles = { gun: tile, knife: tile, wrench: tile, pliers: tile, scissors: tile }
  function picture() {
    const stage = new Stage(new View())
    const asked: { url: string; signal: AbortSignal; answer: (t: typeof tiles) => void }[] = []
    const load = (url: string, signal: AbortSignal) => new Promise<typeof tiles>((answer) => asked.push({ url, signal, answer }))
    return { stage, asked, scan: new ScanPicture(stage, load, () => ({ x: 0.1, y: 0.1, width: 0.5, height: 0.5 })) }
  }
  const alarm = (id: number) => aBag({ id, verdict: 'alarm', tiers: { gun: 'alarm' }, hasHeatmap: true })

  it('has no frame over nothing: none while it loads, none when it failed, one when it is there', () => {
    const { scan } = picture()
    scan.show(alarm(1))
    expect([scan.picture, scan.frames.length]).toEqual(['loading', 0])
    scan.failed(1)
    expect([scan.picture, scan.frames.length]).toEqual(['failed', 0])
    scan.show(alarm(2))
    scan.loaded(2, image(800, 600))
    expect(scan.frames.map((f) => [f.class, f.tier])).toEqual([['gun', 'alarm']])
  })

  it('takes no answer that belongs to the bag before: neither picture, failure nor heat', async () => {
    const { scan, stage, asked } = picture()
    scan.show(alarm(1))
    scan.show(alarm(2))
    scan.loaded(1, image(10, 10))
    scan.failed(1)
    expect(scan.picture).toBe('loading')
    expect(asked.map((a) => [a.url, a.signal.aborted])).toEqual([
      ['/heatmap/1', true],
      ['/heatmap/2', false],
    ])
    asked[0]?.answer(tiles)
    await Promise.resolve()
    expect(scan.tiles).toBeNull()
    asked[1]?.answer(tiles)
    await Promise.resolve()
    expect(scan.tiles).not.toBeNull()
    scan.loaded(2, image(400, 200))
    expect([stage.aspect, stage.bag.x]).toEqual([2, 0.1])
  })

  it('asks for the heat of a clear bag when it is wanted, once, and of a flagged one at once', () => {
    const { scan, asked } = picture()
    const clear = aBag({ id: 1, verdict: 'clear', hasHeatmap: true })
    scan.show(clear)
    expect(asked).toHaveLength(0)
    scan.show(clear, true)
    scan.show(clear, false)
    scan.show(clear, true)
    expect(asked.map((a) => [a.url, a.signal.aborted])).toEqual([['/heatmap/1', false]])
    scan.show(alarm(2))
    expect(asked.map((a) => [a.url, a.signal.aborted])).toEqual([
      ['/heatmap/1', true],
      ['/heatmap/2', false],
    ])
  })

  it('stays when the same bag gets its verdict or decision', () => {
    const { scan } = picture()
    scan.show(aBag({ id: 1, verdict: null }))
    scan.loaded(1, image(800, 600))
    scan.show(alarm(1))
    expect([scan.picture, scan.frames.length]).toEqual(['shown', 1])
  })

  it('draws alarms last and stacks the names of frames that start at one place', () => {
    const bag = aBag({ verdict: 'alarm', tiers: { gun: 'alarm', knife: 'advisory', wrench: 'advisory' } })
    const frames = framesOf(bag, null, 1)
    expect(frames.map((f) => f.class)).toEqual(['knife', 'wrench', 'gun'])
    expect(frames.map((f) => f.above)).toEqual([0, 1, 0])
  })

  it('outlines each bag of a scan that holds several and frames the threats of each, and draws no line round one bag alone', () => {
    const { scan } = picture()
    const two = aBag({ verdict: 'alarm', tiers: { gun: 'alarm' } })
    if (two.classes === null) throw new Error('not screened')
    const none = aBag({}).classes
    if (none === null) throw new Error('not screened')
    const bags = [
      { box: { x: 0, y: 0, width: 0.4, height: 1 }, verdict: 'alarm' as const, classes: two.classes },
      { box: { x: 0.5, y: 0, width: 0.5, height: 1 }, verdict: 'clear' as const, classes: none },
      { box: { x: 0.8, y: 0, width: 0.2, height: 1 }, verdict: 'alarm' as const, classes: two.classes },
    ]
    scan.show({ ...two, bags })
    expect(scan.outlines).toHaveLength(0) // no picture yet
    scan.loaded(two.id, image(900, 300))
    expect(scan.outlines.map((b) => b.verdict)).toEqual(['alarm', 'clear', 'alarm'])
    expect(scan.frames.map((f) => f.class)).toEqual(['gun', 'gun'])
    expect(new Set(scan.frames.map((f) => f.id)).size).toBe(2)
    scan.show({ ...two, bags: bags.slice(0, 1) })
    expect([scan.outlines.length, scan.frames.length]).toEqual([0, 1])
  })
})
