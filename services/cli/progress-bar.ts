import cliProgress from 'cli-progress'

/** A bar on stderr, in the words of `format`, that is gone when it stops. */
export function createProgressBar(format: string): cliProgress.SingleBar {
  return new cliProgress.SingleBar(
    {
      format,
      clearOnComplete: true,
      hideCursor: false,
      gracefulExit: false,
      barsize: 30,
      etaBuffer: 100,
      stream: process.stderr,
    },
    cliProgress.Presets.shades_classic,
  )
}
