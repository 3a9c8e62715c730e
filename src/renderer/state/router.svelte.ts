// Which view is shown: kept in the URL's hash, so that a reload or a bookmark comes back to it.
export const VIEWS = ['operator', 'log', 'alarms'] as const
export type ViewName = (typeof VIEWS)[number]

export class Router {
  view = $state<ViewName>('operator')
  /** a bag's id in `#/log/12` */
  bag = $state<number | null>(null)
  query = $state('')

  constructor(hash: string = location.hash) {
    this.read(hash)
  }

  read(hash: string): void {
    const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?')
    const [view, id] = path.split('/')
    this.view = VIEWS.find((v) => v === view) ?? 'operator'
    const bag = Number(id)
    this.bag = Number.isInteger(bag) && bag > 0 ? bag : null
    this.query = query
  }

  go(view: ViewName, bag: number | null = null, query = ''): void {
    const hash = `#/${view}${bag === null ? '' : `/${bag}`}${query === '' ? '' : `?${query}`}`
    this.read(hash)
    if (location.hash !== hash) history.replaceState(null, '', hash)
  }
}
