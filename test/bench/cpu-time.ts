import { readdir, readFile } from 'node:fs/promises'

/** CPU time of a process and its children so far, in ms, from Linux's /proc. */
export type CpuTime = { mainThread: number; busiestThread: number; otherThreads: number; children: number }

/** Reads the CPU time of a running process by thread. `busiestThread` is the busiest besides the main one: a worker's inference. */
export async function cpuTime(pid: number): Promise<CpuTime> {
  const threads = await threadTimes(pid)
  const mainThread = threads.get(pid) ?? 0
  const others = [...threads].filter(([tid]) => tid !== pid).map(([, ms]) => ms)
  const busiestThread = Math.max(0, ...others)
  const [childTimes, ended] = await Promise.all([Promise.all((await childrenOf(pid)).map(threadTimes)), endedChildrenMs(pid)])
  return {
    mainThread,
    busiestThread,
    otherThreads: sum(others) - busiestThread,
    children: ended + sum(childTimes.flatMap((times) => [...times.values()])),
  }
}

export function minus(a: CpuTime, b: CpuTime): CpuTime {
  return {
    mainThread: a.mainThread - b.mainThread,
    busiestThread: a.busiestThread - b.busiestThread,
    otherThreads: a.otherThreads - b.otherThreads,
    children: a.children - b.children,
  }
}

export function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

/** Run time of each thread in ms, by thread id; schedstat counts nanoseconds where stat counts hundredths. */
async function threadTimes(pid: number): Promise<Map<number, number>> {
  const ids = await readdir(`/proc/${pid}/task`)
  const times = await Promise.all(
    ids.map(async (id): Promise<[number, number]> => {
      const stat = await readFile(`/proc/${pid}/task/${id}/schedstat`, 'utf8').catch(() => '0')
      return [Number(id), Number(stat.split(' ')[0]) / 1e6]
    }),
  )
  return new Map(times)
}

const TICKS_PER_SECOND = 100

/** CPU time of children that have ended: decoders are replaced now and then. The 16th and 17th fields of stat, in ticks. */
async function endedChildrenMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (1000 * (Number(fields[13]) + Number(fields[14]))) / TICKS_PER_SECOND
}

async function childrenOf(pid: number): Promise<number[]> {
  const ids = await readdir(`/proc/${pid}/task`)
  const lists = await Promise.all(ids.map((id) => readFile(`/proc/${pid}/task/${id}/children`, 'utf8').catch(() => '')))
  return lists.flatMap((list) => list.trim().split(/\s+/).filter(Boolean).map(Number))
}
