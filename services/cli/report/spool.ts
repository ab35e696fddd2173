import { createReadStream } from 'node:fs'
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'

/** Text in groups that are read one after the other at the end, kept in temporary files: a long report needs no memory. */
export type Spool<G extends string> = {
  append(group: G, text: string): Promise<void>
  read(): AsyncGenerator<Uint8Array>
  close(): Promise<void>
}

export async function openSpool<G extends string>(groups: readonly G[]): Promise<Spool<G>> {
  const dir = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-report-'))
  const fileOf = (group: G) => path.join(dir, group)
  await Promise.all(groups.map((group) => writeFile(fileOf(group), '')))
  return {
    append: (group, text) => appendFile(fileOf(group), text),
    async *read() {
      for (const group of groups) yield* createReadStream(fileOf(group))
    },
    close: () => rm(dir, { recursive: true, force: true }),
  }
}
