import { createProgressBar } from '../progress-bar.ts'

/** A bar on stderr of bytes that arrive. It is gone when it stops. */
export type ByteProgress = { there(bytes: number): void; stop(): void }

const FORMAT = '{bar} {percentage}% · {megabytes} of {all} MB · {rate} MB/s · {eta_formatted} left'
const MB = 1e6

export function startByteProgress(total: number): ByteProgress {
  const bar = createProgressBar(FORMAT)
  const all = (total / MB).toFixed(0)
  const startedAt = performance.now()
  let first: number | undefined
  bar.start(total, 0, { megabytes: '0', all, rate: '…' })
  return {
    there(bytes) {
      first ??= bytes
      const seconds = (performance.now() - startedAt) / 1000
      bar.update(bytes, { megabytes: (bytes / MB).toFixed(0), all, rate: ((bytes - first) / MB / seconds).toFixed(1) })
    },
    stop: () => bar.stop(),
  }
}

/** For a stderr that is no terminal. */
export const noByteProgress: ByteProgress = { there() {}, stop() {} }
