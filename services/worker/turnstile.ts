export type Turnstile = {
  /** Runs `work` beside that of others. It frees its place early by calling `leave`. */
  among<T>(work: (leave: () => void) => Promise<T>): Promise<T>
  /** Runs `work` once all other work has ended, and lets none begin before this has. */
  alone<T>(work: () => Promise<T>): Promise<T>
}

type Visitor = { takes: number; alone: boolean; enter: () => void }

/** Lets work begin in the order in which it comes, while fewer than `places` places are taken. */
export function createTurnstile(places: number): Turnstile {
  const waiting: Visitor[] = []
  let taken = 0
  let inside = 0

  function admit(): void {
    for (let first = waiting[0]; first && mayEnter(first); first = waiting[0]) {
      waiting.shift()
      taken += first.takes
      inside++
      first.enter()
    }
  }

  function mayEnter({ takes, alone }: Visitor): boolean {
    return alone ? inside === 0 : taken + takes <= places
  }

  async function visit<T>(visitor: Omit<Visitor, 'enter'>, work: (leave: () => void) => Promise<T>): Promise<T> {
    await new Promise<void>((enter) => {
      waiting.push({ ...visitor, enter })
      admit()
    })
    let held = visitor.takes
    const leave = () => {
      taken -= held
      held = 0
      admit()
    }
    try {
      return await work(leave)
    } finally {
      inside--
      leave()
    }
  }

  return {
    among: (work) => visit({ takes: 1, alone: false }, work),
    alone: (work) => visit({ takes: places, alone: true }, () => work()),
  }
}
