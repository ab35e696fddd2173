import { connect, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { atRate } from './at-rate.ts'
import type { Answer } from './client.ts'
import { countAnswers } from './count-answers.ts'
import { numbered, photoOf100kB } from './pictures.ts'
import { quantile } from './quantile.ts'
import { openStage, type Stage } from './stage.ts'
import { atMost, none, type Outcome, type Setting, type Trial } from './trial.ts'

const CONNECTIONS = 500
const SHORT_CONNECTIONS = 100
const OTHERS_PER_SECOND = 20
const PHASE_S = 15
const SHORT_PHASE_S = 2
const GIVE_UP_MS = 60_000

export const drip: Trial = {
  name: 'drip',
  when: 'short',
  what: 'hundreds of connections send a byte a second, or nothing, while others upload; a stub model',
  run: runDrip,
}

async function runDrip(setting: Setting): Promise<Outcome> {
  const count = setting.short ? SHORT_CONNECTIONS : CONNECTIONS
  const seconds = setting.short ? SHORT_PHASE_S : PHASE_S
  const photo = await photoOf100kB()
  const stage = await openStage({ model: 'stub', queue: 'postgres' })
  const others = (seed: number) =>
    atRate(OTHERS_PER_SECOND, OTHERS_PER_SECOND * seconds, (index) => stage.client.upload(numbered(photo, seed + index)))
  try {
    await others(0)
    const before = await others(1_000_000)
    const dripping = Promise.all(Array.from({ length: count }, (_, index) => dripOn(stage, KINDS[index % KINDS.length] as Kind)))
    const during = await others(2_000_000)
    const closedAfterMs = await dripping
    const after = await others(3_000_000)
    const calm = p99([...before, ...after])
    return {
      goals: [
        atMost('the last connection is closed after, s', Math.max(...closedAfterMs) / 1000, 10, setting),
        none('uploads of others refused', during.filter(({ status }) => status !== 202).length),
        atMost('p99 of others ÷ without', p99(during) / calm, 2, setting),
      ],
      figures: {
        connections: count,
        closedAfterS: Object.fromEntries(
          KINDS.map((kind, index) => [
            kind,
            Math.max(...closedAfterMs.filter((_, each) => each % KINDS.length === index)) / 1000,
          ]),
        ),
        othersMs: { without: calm, with: p99(during) },
        answers: countAnswers(during),
      },
      errors: stage.complaints(),
    }
  } finally {
    await stage.close()
  }
}

const KINDS = ['silent', 'headers', 'body'] as const
type Kind = (typeof KINDS)[number]

/** Resolves to how long the service put up with it, in ms. */
async function dripOn({ client: { url, key } }: Stage, kind: Kind): Promise<number> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port) })
  const startedAt = performance.now()
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => {}).resume()
  const request = `POST /v1/uploads HTTP/1.1\r\nhost: ${hostname}\r\nauthorization: Bearer ${key}\r\n`
  if (kind === 'headers') socket.write(request)
  if (kind === 'body') socket.write(`${request}content-type: image/jpeg\r\ncontent-length: 100000\r\n\r\n`)
  await Promise.race([closed, trickle(socket, kind), pause(GIVE_UP_MS, undefined, { ref: false })])
  socket.destroy()
  return performance.now() - startedAt
}

/** A byte a second, for as long as the connection takes them. */
async function trickle(socket: Socket, kind: Kind): Promise<void> {
  while (!socket.destroyed) {
    await pause(1000)
    if (kind !== 'silent' && socket.writable) socket.write('x')
  }
}

function p99(answers: Answer[]): number {
  return quantile(
    answers.filter(({ status }) => status === 202).map(({ ms }) => ms),
    0.99,
  )
}
