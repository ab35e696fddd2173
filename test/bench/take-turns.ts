import { Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { Done, Turn } from './contest.ts'

/** The other side of `contest`: does `work` once to be warm, says that it is ready, and then works whenever it is its turn. `work` resolves to how many items it has done. */
export async function takeTurns(work: () => Promise<number>): Promise<void> {
  const channel = new Socket({ fd: 3 })
  const say = (message: Done | 'ready') => channel.write(`${JSON.stringify(message)}\n`)
  await work()
  const lines = createInterface({ input: channel })
  lines.on('close', () => process.exit())
  lines.on('line', async (line) => {
    const { seconds } = JSON.parse(line) as Turn
    const startedAt = performance.now()
    let items = 0
    do items += await work()
    while (performance.now() - startedAt < 1000 * seconds)
    say({ items, ms: performance.now() - startedAt })
  })
  say('ready')
}
