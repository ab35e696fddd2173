import { DECIDED_CHANNEL } from './conclude-uploads.ts'
import { type IdListener, listenForIds } from './id-listener.ts'
import type { Logger } from './logger.ts'

/** Waits for decisions, by the ids of uploads. */
export type DecisionListener = IdListener

export function listenForDecisions({ url, log }: { url: string; log: Logger }): DecisionListener {
  return listenForIds({ url, channel: DECIDED_CHANNEL, log })
}
