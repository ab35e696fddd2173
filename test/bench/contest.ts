import { spawn } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import type { Duplex } from 'node:stream'
import { quantile } from '../chaos/quantile.ts'

/** A way to do some work: the file that does it, or a command of another language, and what it is told: its last argument, as JSON. */
export type Contestant = { name: string; args: Record<string, unknown>; env?: Record<string, string> } & (
  | { entry: string }
  | { command: string[] }
)

/** What a contestant is asked for and answers, a line of JSON each, over file descriptor 3; its first line is `"ready"`. */
export type Turn = { seconds: number }
export type Done = { items: number; ms: number }

export type ContestOptions = {
  rounds: number
  seconds: number
  /** Whether each is to have one core and no more. */
  pinned?: boolean
}

const CORE = '0'

/**
 * Lets contestants do their work by turns, each in a process of its own with all its threads and children on one and the same core, so that a machine that is
 * slower for a while is so for all. Resolves to each one's items per second, the median of its turns.
 */
export async function contest(
  contestants: Contestant[],
  { rounds, seconds, pinned = true }: ContestOptions,
): Promise<Map<string, number>> {
  const running = await Promise.all(contestants.map((contestant) => start(contestant, pinned)))
  const rates = new Map(contestants.map(({ name }) => [name, [] as number[]]))
  try {
    for (let round = 0; round < rounds; round++)
      for (const { name, turn } of running) {
        const { items, ms } = await turn({ seconds })
        rates.get(name)?.push((1000 * items) / ms)
      }
  } finally {
    for (const { kill } of running) kill()
  }
  return new Map([...rates].map(([name, all]) => [name, quantile(all, 0.5)]))
}

type Running = { name: string; turn(turn: Turn): Promise<Done>; kill(): void }

async function start(contestant: Contestant, pinned: boolean): Promise<Running> {
  const { name, args, env } = contestant
  const [file = '', ...rest] = [...(pinned ? ['taskset', '-c', CORE] : []), ...commandOf(contestant), JSON.stringify(args)]
  const child = spawn(file, rest, { env: { ...process.env, ...env }, stdio: ['ignore', 'inherit', 'inherit', 'pipe'] })
  const channel = child.stdio[3] as Duplex
  const lines = createInterface({ input: channel })
  const ended = once(child, 'exit').then(([code, signal]): never => {
    throw new Error(`${name} ended with ${code ?? signal}`)
  })
  const answer = async () => {
    const [line] = await Promise.race([once(lines, 'line'), ended])
    return JSON.parse(line)
  }
  await answer()
  return {
    name,
    turn(turn) {
      channel.write(`${JSON.stringify(turn)}\n`)
      return answer()
    },
    kill: () => child.kill('SIGKILL'),
  }
}

function commandOf(contestant: Contestant): string[] {
  if ('command' in contestant) return contestant.command
  return [process.execPath, path.join(import.meta.dirname, `${contestant.entry}.js`)]
}
