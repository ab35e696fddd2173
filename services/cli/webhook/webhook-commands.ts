import { type Command, InvalidArgumentError, Option } from 'commander'
import { DELIVERY_STATES } from '../../core/infra/delivery-store.ts'
import type { ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'

/** `pixwarden webhook`: what an operator wants to see and do when a platform does not hear. Webhooks are made over the API. */
export function addWebhook(program: Command, env: Env, end: (code: ExitCode) => void): void {
  const webhook = program
    .command('webhook')
    .description('See what became of the events that are sent to platforms, and send them again.')
    .addHelpText('after', HELP)
  webhook
    .command('list')
    .description('List the webhooks of a tenant.')
    .addOption(tenantOption())
    .option('--json', 'print JSON')
    .action(async (options) => end(await (await import('./list-webhooks.ts')).listWebhooks(options, env)))
  webhook
    .command('deliveries')
    .description('List the deliveries of a webhook, newest event first.')
    .argument('<webhook>', 'as `webhook list` shows it')
    .addOption(tenantOption())
    .addOption(new Option('--state <state>', 'only these').choices(DELIVERY_STATES))
    .option('--limit <n>', 'rows at most', count, 50)
    .option('--json', 'print JSON')
    .action(async (id, options) => end(await (await import('./list-deliveries.ts')).listDeliveries(id, options, env)))
  webhook
    .command('redeliver')
    .description('Send an event again, with the same id and the same bytes.')
    .argument('<delivery>', 'as `webhook deliveries` shows it')
    .addOption(tenantOption())
    .action(async (id, options) => end(await (await import('./ask-for-delivery.ts')).redeliver(id, options, env)))
  webhook
    .command('test')
    .description('Have a webhook.test event sent.')
    .argument('<webhook>', 'as `webhook list` shows it')
    .addOption(tenantOption())
    .action(async (id, options) => end(await (await import('./ask-for-delivery.ts')).sendTest(id, options, env)))
}

const tenantOption = () => new Option('--tenant <tenant>', 'whose it is').default('default')

function count(text: string): number {
  if (!/^[1-9]\d{0,2}$/.test(text)) throw new InvalidArgumentError('A number from 1 to 999 is needed.')
  return Number(text)
}

const HELP = `
The database is DATABASE_URL's, or that of the standalone service that runs in PIXWARDEN_DATA_DIR. A worker does the sending.

Examples:
  pixwarden webhook list
  pixwarden webhook deliveries 0193c0de-… --state dead
  pixwarden webhook redeliver 5f0c9a3e-…

Exit code: 0 done, 1 there is no such webhook or delivery, 2 could not run.`
