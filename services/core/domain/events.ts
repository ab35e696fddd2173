import type { Decision } from './decision.ts'

/** An event as webhooks carry it (Standard Webhooks, payload structure). Its text is frozen when it is stored. */
export type Event = { type: 'upload.decided'; timestamp: string; data: Decision }

export function uploadDecided(decision: Decision): Event {
  return { type: 'upload.decided', timestamp: decision.decided_at, data: decision }
}
