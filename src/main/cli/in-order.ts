// Many things worked on at once, told in their order.

/** Works on items, up to `atOnce` at a time, and gives the results in the items' order. Rejects where the work on an item does. */
export async function* inOrder<T, R>(items: Iterable<T>, atOnce: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  for (const item of items) {
    const one = work(item)
    // it is heard when its turn comes
    one.catch(() => undefined)
    running.push(one)
    if (running.length >= Math.max(1, atOnce)) yield await next(running)
  }
  while (running.length > 0) yield await next(running)
}

const next = <R>(running: Promise<R>[]): Promise<R> => running.shift() ?? Promise.reject(new Error('nothing runs'))
