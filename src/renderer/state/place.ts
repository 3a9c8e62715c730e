// Where a pointer says that something lies: a click is a point, a drag a box, both within the scan.
import type { Place, Point } from '../../shared/bag'

/** Less of a drag than this, in screen pixels each way, is a click. */
const CLICK_PX = 6

const within = (v: number): number => Math.min(1, Math.max(0, v))

/**
 * The place between two points of a drag, each as fractions of the scan (they may lie outside it). `size` is the scan's on the screen, in
 * pixels. Null where nothing of it lies on the scan.
 */
export function placeBetween(from: Point, to: Point, size: { width: number; height: number }): Place | null {
  const [dx, dy] = [Math.abs(to.x - from.x) * size.width, Math.abs(to.y - from.y) * size.height]
  if (dx < CLICK_PX && dy < CLICK_PX) {
    const { x, y } = from
    return x < 0 || x > 1 || y < 0 || y > 1 ? null : { shape: 'point', x, y }
  }
  const [left, right] = [within(Math.min(from.x, to.x)), within(Math.max(from.x, to.x))]
  const [top, bottom] = [within(Math.min(from.y, to.y)), within(Math.max(from.y, to.y))]
  // a drag along one line has no area: it means the point where it began
  if (!(right > left && bottom > top)) return placeBetween(from, from, size)
  return { shape: 'box', x: left, y: top, width: right - left, height: bottom - top }
}

/** "32 % from the left, 60 % from the top", of a point or of a box's middle. */
export function placeWords(where: Place): string {
  const [w, h] = where.shape === 'box' ? [where.width, where.height] : [0, 0]
  const percent = (v: number): string => `${Math.round(100 * v)} %`
  return `${percent(where.x + w / 2)} from the left, ${percent(where.y + h / 2)} from the top`
}
