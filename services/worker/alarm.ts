/** Lets one loop sleep until somebody rings. A ring while it is awake is kept for its next sleep. */
export type Alarm = { ring(): void; sleep(atMostMs: number): Promise<void> }

export function createAlarm(): Alarm {
  let rung = false
  let wakeUp = () => {}
  return {
    ring() {
      rung = true
      wakeUp()
    },
    async sleep(atMostMs) {
      if (!rung)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, atMostMs)
          wakeUp = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      rung = false
    },
  }
}
