import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'

const runtime = z.object({ pid: z.number().int(), databaseUrl: z.string(), apiUrl: z.string() })

/** What a running standalone tells the command line: its process, the database (with its password) and where the API listens. */
export type Runtime = z.infer<typeof runtime>

/** The standalone service of a data directory; undefined when none runs, or it was killed and has left no usable file. */
export async function readRuntimeFile(dataDir: string): Promise<Runtime | undefined> {
  try {
    return runtime.parse(JSON.parse(await readFile(runtimeFile(dataDir), 'utf8')))
  } catch {
    return undefined
  }
}

/** Readable to its owner only. */
export async function writeRuntimeFile(dataDir: string, values: Runtime): Promise<void> {
  const file = runtimeFile(dataDir)
  const making = `${file}.${values.pid}`
  await writeFile(making, `${JSON.stringify(values, undefined, 2)}\n`, { mode: 0o600 })
  await rename(making, file)
}

export function removeRuntimeFile(dataDir: string): Promise<void> {
  return rm(runtimeFile(dataDir), { force: true })
}

function runtimeFile(dataDir: string): string {
  return path.join(dataDir, 'runtime.json')
}
