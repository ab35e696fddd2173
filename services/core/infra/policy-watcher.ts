import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import { hasCode } from '../domain/errors.ts'
import type { LoadedPolicy, Problem } from '../domain/policy.ts'
import type { Logger } from './logger.ts'
import type { Metrics } from './metrics.ts'
import { formatProblem, loadPolicies } from './policy-loader.ts'

/** The active policies of a process, and why the last change of their files was refused: no problems when it was not. */
export type PolicySource = { current(): LoadedPolicy[]; problems(): Problem[]; close(): void }

export type PolicyWatcherOptions = {
  dir: string
  /** The model whose thresholds are checked; none in a process that scores nothing. */
  modelId?: string | undefined
  log: Logger
  metrics: Pick<Metrics, 'policyReloadFailures'>
  /** Makes a new set active, for example by compiling it; when it throws, the set is refused and the last one stays. */
  activate?: (policies: LoadedPolicy[]) => Promise<void>
}

/** Editors write a file in several steps: a change is read once the folder has been quiet for this long. */
const QUIET_MS = 100
/** Some mounts (network file systems, ConfigMaps of other hosts) send no events: the folder is looked at this often. */
const POLL_MS = 5000

/** Reads the policies of a folder, then again whenever it changes. Throws AppError `invalid-policy` when the first set is unusable. */
export async function watchPolicies({
  dir,
  modelId,
  log,
  metrics,
  activate = async () => {},
}: PolicyWatcherOptions): Promise<PolicySource> {
  const load = async () => {
    const { policies, problems: warnings } = await loadPolicies(dir, { modelId })
    for (const warning of warnings) log.warn(formatProblem(warning))
    return policies
  }
  let seen = await lookOf(dir)
  let current = await load()
  await activate(current)
  let problems: Problem[] = []
  let quiet: NodeJS.Timeout | undefined
  let reading = Promise.resolve()

  const reload = async () => {
    try {
      const next = await load()
      if (problems.length === 0 && same(current, next)) return
      await activate(next)
      current = next
      problems = []
      log.info({ policies: next.map(({ id, version, mode }) => ({ id, version, mode })) }, 'policies reloaded')
    } catch (error) {
      const found = problemsOf(error, dir)
      if (same(problems, found)) return
      problems = found
      metrics.policyReloadFailures.inc()
      log.error({ err: error }, 'policies refused; the last good set stays active')
    }
  }
  /** Parsing costs far more than a look; a set with problems is read in any case, since they may lie in the images of its tests. */
  const reloadIfChanged = async () => {
    const look = await lookOf(dir)
    if (look === seen && problems.length === 0) return
    seen = look
    await reload()
  }
  const schedule = () => {
    clearTimeout(quiet)
    quiet = setTimeout(() => {
      reading = reading.then(reloadIfChanged)
    }, QUIET_MS)
  }
  const watcher = watchFolder(dir, schedule, log)
  const poll = setInterval(schedule, POLL_MS)
  poll.unref()

  return {
    current: () => current,
    problems: () => problems,
    close: () => {
      clearTimeout(quiet)
      clearInterval(poll)
      watcher?.close()
    },
  }
}

/** Names, sizes and times of what a folder holds; empty when it cannot be read, which loading then reports. */
async function lookOf(dir: string): Promise<string> {
  try {
    const names = await readdir(dir)
    const stats = await Promise.all(names.sort().map((name) => stat(path.join(dir, name), { bigint: true })))
    return names.map((name, index) => `${name} ${stats[index]?.size} ${stats[index]?.mtimeNs} ${stats[index]?.ino}`).join('\n')
  } catch {
    return ''
  }
}

function watchFolder(dir: string, onChange: () => void, log: Logger): FSWatcher | undefined {
  try {
    const watcher = watch(dir, { persistent: false }, onChange)
    watcher.on('error', (error) => log.warn({ err: error, dir }, 'the policies folder is no longer watched, only polled'))
    return watcher
  } catch (error) {
    log.warn({ err: error, dir }, 'the policies folder cannot be watched, only polled')
    return undefined
  }
}

function problemsOf(error: unknown, dir: string): Problem[] {
  if (hasCode(error, 'invalid-policy') && error.details?.problems) return error.details.problems as Problem[]
  return [{ severity: 'error', file: dir, line: 1, column: 1, message: error instanceof Error ? error.message : String(error) }]
}

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
