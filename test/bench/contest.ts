import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { quantile } from '../chaos/quantile.ts'

/** A way to do some work: the file that does it and what it is told. */
export type Contestant = { name: string; entry: string; args: Record<string, unknown> }

/** What a contestant is asked for and answers, over IPC; its first message is `ready`. */
export type Turn = { seconds: number }
export type Done = { items: number; ms: number }

const CORE = '0'

/**
 * Lets contestants do their work by turns, each in a process of its own with all its threads and children on one and the same core, so that a machine that is
 * slower for a while is so for all. Resolves to each one's items per second, the median of its turns.
 */
export async function contest(
  contestants: Contestant[],
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<Map<string, number>> {
  const running = await Promise.all(contestants.map(start))
  const rates = new Map(contestants.map(({ name }) => [name, [] as number[]]))
  try {
    for (let round = 0; round < rounds; round++)
      for (const { name, child } of running) {
        const { items, ms } = await turn(child, seconds)
        rates.get(name)?.push((1000 * items) / ms)
      }
  } finally {
    for (const { child } of running) child.kill('SIGKILL')
  }
  return new Map([...rates].map(([name, all]) => [name, quantile(all, 0.5)]))
}

async function start({ name, entry, args }: Contestant): Promise<{ name: string; child: ChildProcess }> {
  const file = path.join(import.meta.dirname, `${entry}.js`)
  const child = spawn('taskset', ['-c', CORE, process.execPath, file, JSON.stringify(args)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  await answerOf(child, name)
  return { name, child }
}

async function turn(child: ChildProcess, seconds: number): Promise<Done> {
  child.send({ seconds } satisfies Turn)
  return (await answerOf(child, 'a contestant')) as Done
}

async function answerOf(child: ChildProcess, name: string): Promise<unknown> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`${name} ended with ${code}`)
  })
  const [message] = await Promise.race([once(child, 'message'), ended])
  return message
}
