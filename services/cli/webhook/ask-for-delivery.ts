import type { Delivery, DeliveryStore } from '../../core/infra/delivery-store.ts'
import { createPgDeliveryStore } from '../../core/infra/pg-delivery-store.ts'
import { cliActor } from '../cli-actor.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { warn } from '../warn.ts'
import { withDatabase } from '../with-database.ts'

type Options = { tenant: string }

/** Has a delivery made again. Exit code 1 when there is no such. Throws AppError `webhook-disabled`, `invalid-config` or `store-unavailable`. */
export function redeliver(id: string, { tenant }: Options, env: Env): Promise<ExitCode> {
  return ask(env, `there is no delivery ${id} of tenant ${tenant}`, (deliveries) => deliveries.redeliver(tenant, id, cliActor()))
}

/** Has a test event sent to a webhook. Exit code 1 when there is no such. Throws as `redeliver` does. */
export function sendTest(id: string, { tenant }: Options, env: Env): Promise<ExitCode> {
  return ask(env, `there is no webhook ${id} of tenant ${tenant}`, (deliveries) => deliveries.sendTest(tenant, id, cliActor()))
}

async function ask(
  env: Env,
  missing: string,
  work: (deliveries: DeliveryStore) => Promise<Delivery | undefined>,
): Promise<ExitCode> {
  const delivery = await withDatabase(env, 'deliveries are', (database) => work(createPgDeliveryStore(database)))
  if (!delivery) {
    warn(missing)
    return EXIT.found
  }
  const { id, endpointId } = delivery
  warn(`delivery ${id} is on its way: \`pixwarden webhook deliveries ${endpointId}\` tells how it goes`)
  return EXIT.ok
}
