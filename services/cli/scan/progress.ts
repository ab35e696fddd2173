import { createProgressBar } from '../progress-bar.ts'

/** A bar on stderr with rate and time left. It is gone when it stops. */
export type Progress = {
  advance(): void
  /** One file less than was thought. */
  shorten(): void
  stop(): void
}

const FORMAT = '{bar} {percentage}% · {value}/{total} · {rate} images/s · {eta_formatted} left'

export function startProgress(total: number): Progress {
  const bar = createProgressBar(FORMAT)
  const startedAt = performance.now()
  let judged = 0
  bar.start(total, 0, { rate: '…' })
  return {
    advance() {
      judged++
      bar.increment(1, { rate: ((1000 * judged) / (performance.now() - startedAt)).toFixed(1) })
    },
    shorten() {
      bar.setTotal(bar.getTotal() - 1)
    },
    stop: () => bar.stop(),
  }
}

/** For a stderr that is no terminal. */
export const noProgress: Progress = { advance() {}, shorten() {}, stop() {} }
