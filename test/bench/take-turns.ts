import type { Done, Turn } from './contest.ts'

/** The other side of `contest`: does `work` once to be warm, says that it is ready, and then works whenever it is its turn. `work` resolves to how many items it has done. */
export async function takeTurns(work: () => Promise<number>): Promise<void> {
  await work()
  process.on('message', async ({ seconds }: Turn) => {
    const startedAt = performance.now()
    let items = 0
    do items += await work()
    while (performance.now() - startedAt < 1000 * seconds)
    process.send?.({ items, ms: performance.now() - startedAt } satisfies Done)
  })
  process.send?.('ready')
}
