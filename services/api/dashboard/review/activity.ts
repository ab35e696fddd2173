export type Activity = { idleMs(): number; stop(): void }

/** How long ago somebody last touched this page. */
export function watchActivity(): Activity {
  const kinds = ['keydown', 'pointerdown', 'pointermove', 'wheel'] as const
  let last = Date.now()
  const touch = () => {
    last = Date.now()
  }
  for (const kind of kinds) addEventListener(kind, touch, { passive: true })
  return {
    idleMs: () => Date.now() - last,
    stop() {
      for (const kind of kinds) removeEventListener(kind, touch)
    },
  }
}
