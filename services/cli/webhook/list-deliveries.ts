import type { Delivery, DeliveryState } from '../../core/infra/delivery-store.ts'
import { createPgDeliveryStore } from '../../core/infra/pg-delivery-store.ts'
import { createPgWebhookStore } from '../../core/infra/pg-webhook-store.ts'
import { createSecretBox } from '../../core/infra/secret-box.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { warn } from '../warn.ts'
import { withDatabase } from '../with-database.ts'
import { writeOutput } from '../write-output.ts'

export type ListDeliveriesOptions = { tenant: string; state?: DeliveryState; limit: number; json?: boolean }

/** Prints the deliveries of a webhook. Exit code 1 when there is no such webhook. Throws AppError `invalid-config` or `store-unavailable`. */
export async function listDeliveries(endpointId: string, options: ListDeliveriesOptions, env: Env): Promise<ExitCode> {
  const { tenant, state, limit, json } = options
  const deliveries = await withDatabase(env, 'deliveries are', async (database) => {
    const known = await createPgWebhookStore(database, createSecretBox([])).find(tenant, endpointId)
    return known && (await createPgDeliveryStore(database).list(tenant, { endpointId, state }, { limit })).items
  })
  if (!deliveries) {
    warn(`there is no webhook ${endpointId} of tenant ${tenant}`)
    return EXIT.found
  }
  if (json) await writeOutput(`${JSON.stringify(deliveries, undefined, 2)}\n`)
  else await writeOutput(textTable(['ID', 'EVENT', 'CREATED', 'STATE', 'ATTEMPTS', 'LAST', 'NEXT'], deliveries.map(cellsOf)))
  return EXIT.ok
}

function cellsOf({ id, event, state, attempts, last, nextAt }: Delivery): string[] {
  const answer = [last?.status, last?.error].filter((part) => part !== undefined).join(' ')
  return [id, event.type, event.createdAt.toISOString(), state, String(attempts), answer, nextAt?.toISOString() ?? '']
}
