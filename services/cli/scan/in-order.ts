/**
 * Works on at most `atOnce` items at a time and yields the results in the order of the items, each as soon as those before it are done.
 * Items are taken only as there is room, so a long list costs no memory. `work` must not reject.
 */
export async function* inOrder<T, R>(items: AsyncIterable<T>, atOnce: number, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  for await (const item of items) {
    running.push(work(item))
    if (running.length >= atOnce) yield (await running.shift()) as R
  }
  for (const result of running) yield await result
}
