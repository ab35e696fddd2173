import { setTimeout as pause } from 'node:timers/promises'
import type { ThrowawayPostgres } from '../support/throwaway-postgres.ts'
import { waitFor } from '../support/wait-for.ts'
import type { Outages } from './outages.ts'
import type { Stage } from './stage.ts'

/** How long a server stays dead. */
const DOWN_MS = 2000

/** Kills one worker after the other, and starts each again, until `signal` aborts and all run. Resolves to how many. */
export async function killWorkers(stage: Stage, everyMs: number, signal: AbortSignal): Promise<number> {
  const restarts: Promise<unknown>[] = []
  while (await pause(everyMs, true, { signal }).catch(() => false)) {
    const oldest = stage.workers.shift()
    if (!oldest) continue
    await oldest.end('SIGKILL')
    restarts.push(keepStarting(stage))
  }
  await Promise.all(restarts)
  return restarts.length
}

/** A worker does not start while PostgreSQL is away: whoever runs it starts it again. */
async function keepStarting(stage: Stage): Promise<void> {
  await waitFor(() => stage.startWorker(), { timeoutMs: 60_000, what: 'a worker to start' })
}

/** When, as shares of a flood, servers are killed. */
export type ServerFaults = { redisKills: number[]; postgresKill: number; apiStop: number }

/** Each at its time in the `floodMs` from now. An outage lasts until the api says that it is ready again. */
export async function killServers(
  { redisKills, postgresKill, apiStop }: ServerFaults,
  floodMs: number,
  { stage, postgres, outages }: { stage: Stage; postgres: ThrowawayPostgres; outages: Outages },
): Promise<void> {
  const beganAt = performance.now()
  const faults = [
    ...redisKills.map((at) => ({ at, what: 'redis', fault: () => killRedis(stage) })),
    { at: postgresKill, what: 'postgres', fault: () => killPostgres(postgres) },
    { at: apiStop, what: 'api', fault: () => stopApi(stage) },
  ].sort((a, b) => a.at - b.at)
  for (const { at, what, fault } of faults) {
    await pause(Math.max(0, at * floodMs - (performance.now() - beganAt)))
    await outages.during(what, async () => {
      await fault()
      await stage.ready()
    })
  }
}

/** It has no persistence: it comes back empty. */
async function killRedis(stage: Stage): Promise<void> {
  await stage.redis().kill()
  await pause(DOWN_MS)
  await stage.restartRedis()
}

async function killPostgres(postgres: ThrowawayPostgres): Promise<void> {
  await postgres.kill()
  await pause(DOWN_MS)
  await postgres.restart()
}

async function stopApi(stage: Stage): Promise<void> {
  await stage.api().end('SIGTERM')
  await stage.restartApi()
}
