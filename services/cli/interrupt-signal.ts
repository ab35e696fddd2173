const SIGNALS = ['SIGINT', 'SIGTERM'] as const

/** Aborted by the first SIGINT or SIGTERM; the second ends the process at once, as if nobody had listened. */
export function interruptSignal(): AbortSignal {
  const controller = new AbortController()
  const onSignal = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) return controller.abort()
    // Not process.exit(): it would stop the inference thread in the middle of a run, on which onnxruntime aborts with a core dump.
    for (const each of SIGNALS) process.removeListener(each, onSignal)
    process.kill(process.pid, signal)
  }
  for (const signal of SIGNALS) process.on(signal, onSignal)
  return controller.signal
}
