import { createPgWebhookStore } from '../../core/infra/pg-webhook-store.ts'
import { createSecretBox } from '../../core/infra/secret-box.ts'
import type { WebhookEndpoint, WebhookState } from '../../core/infra/webhook-store.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { withDatabase } from '../with-database.ts'
import { writeOutput } from '../write-output.ts'

export type ListWebhooksOptions = { tenant: string; json?: boolean }

/** Prints the webhooks of a tenant, without their secrets. Throws AppError `invalid-config` or `store-unavailable`. */
export async function listWebhooks({ tenant, json }: ListWebhooksOptions, env: Env): Promise<ExitCode> {
  const webhooks = await withDatabase(env, 'webhooks are', (database) =>
    createPgWebhookStore(database, createSecretBox([])).list(tenant),
  )
  if (json) await writeOutput(`${JSON.stringify(webhooks, undefined, 2)}\n`)
  else await writeOutput(textTable(['ID', 'EVENTS', 'STATE', 'URL'], webhooks.map(cellsOf)))
  return EXIT.ok
}

function cellsOf({ id, eventTypes, state, url }: WebhookEndpoint): string[] {
  return [id, eventTypes.join(',') || 'all', describe(state), url]
}

function describe(state: WebhookState): string {
  if (state.kind === 'disabled') return state.reason === 'gone' ? 'disabled (answered 410)' : 'disabled'
  return state.failures > 0 ? `enabled (${state.failures} failures)` : 'enabled'
}
