import type { UploadView } from '../core/domain/decision.ts'
import type { DecisionListener } from '../core/infra/decision-listener.ts'
import type { UploadStore } from '../core/infra/upload-store.ts'
import { awaitAnnounced } from './await-announced.ts'

export type AwaitDecisionOptions = {
  uploads: Pick<UploadStore, 'find'>
  decisions: Pick<DecisionListener, 'waitFor'>
  tenant: string
  id: string
  waitMs: number
  /** Nobody is there any more to tell. */
  signal: AbortSignal
}

/** The upload, as soon as it is decided, or as it is when `waitMs` have passed. */
export async function awaitDecision(options: AwaitDecisionOptions): Promise<UploadView | undefined> {
  const { uploads, decisions, tenant, id, waitMs, signal } = options
  return awaitAnnounced({
    announcements: decisions,
    id,
    waitMs,
    signal,
    look: () => uploads.find(tenant, id),
    isEnough: (upload) => upload?.status === 'decided',
  })
}
