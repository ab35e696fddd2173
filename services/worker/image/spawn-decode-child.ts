import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import type { ChildSettings } from './decode-messages.ts'

/** Allocation this far beyond the limit fails: memory is only looked at now and then. */
const HEADROOM_BYTES = 256 * 2 ** 20

/**
 * Runs in the shell that becomes the decoder: the kernel refuses memory beyond the limit, and takes this process first
 * when the machine itself has none left. Where there is no such thing, the decoder runs without.
 */
const LIMIT = '{ ulimit -d "$0"; echo 1000 >/proc/self/oom_score_adj; } 2>/dev/null; exec "$@"'

/**
 * Starts a decoder that is told its settings and answers over IPC (see `decode-messages.ts`). Nothing of the environment is
 * passed on: it meets hostile input and needs no secret. One thread of the pool is enough for one picture at a time.
 */
export function spawnDecodeChild(settings: ChildSettings, memoryBytes: number): ChildProcess {
  const command = [process.execPath, path.join(import.meta.dirname, 'decode-child.js'), JSON.stringify(settings)]
  const kibibytes = Math.ceil((memoryBytes + HEADROOM_BYTES) / 1024)
  const [program = '', ...args] = process.platform === 'win32' ? command : ['/bin/sh', '-c', LIMIT, String(kibibytes), ...command]
  return spawn(program, args, {
    env: { UV_THREADPOOL_SIZE: '1' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
}
