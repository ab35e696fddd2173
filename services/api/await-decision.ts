import type { UploadView } from '../core/domain/decision.ts'
import type { DecisionListener } from '../core/infra/decision-listener.ts'
import type { UploadStore } from '../core/infra/upload-store.ts'

export type AwaitOptions = {
  uploads: Pick<UploadStore, 'find'>
  decisions: Pick<DecisionListener, 'waitFor'>
  tenant: string
  id: string
  waitMs: number
  /** Nobody is there any more to tell. */
  signal: AbortSignal
}

/** The upload, as soon as it is decided, or as it is when `waitMs` have passed. */
export async function awaitDecision({
  uploads,
  decisions,
  tenant,
  id,
  waitMs,
  signal,
}: AwaitOptions): Promise<UploadView | undefined> {
  const until = performance.now() + waitMs
  const found = new AbortController()
  const giveUp = () => found.abort()
  signal.addEventListener('abort', giveUp)
  try {
    for (;;) {
      const heard = decisions.waitFor(id, Math.max(0, until - performance.now()), found.signal)
      const upload = await uploads.find(tenant, id)
      if (upload?.status === 'decided' || !(await heard)) return upload
    }
  } finally {
    signal.removeEventListener('abort', giveUp)
    found.abort()
  }
}
