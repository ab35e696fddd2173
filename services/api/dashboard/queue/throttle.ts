/** Calls soon after it was asked to, and not again within `everyMs`, however often it is asked. */
export function throttle(act: () => void, everyMs: number): (() => void) & { stop(): void } {
  let timer: ReturnType<typeof setTimeout> | undefined
  let last = Number.NEGATIVE_INFINITY
  const ask = () => {
    timer ??= setTimeout(
      () => {
        timer = undefined
        last = Date.now()
        act()
      },
      Math.max(100, last + everyMs - Date.now()),
    )
  }
  return Object.assign(ask, { stop: () => clearTimeout(timer) })
}
