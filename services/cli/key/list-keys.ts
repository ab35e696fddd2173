import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { writeOutput } from '../write-output.ts'
import { withKeyStore } from './with-key-store.ts'

/** Prints the keys that are in force, without their secrets. Throws AppError `invalid-config` or `store-unavailable`. */
export async function listKeys({ json }: { json?: boolean }, env: Env): Promise<ExitCode> {
  const keys = await withKeyStore(env, (store) => store.list())
  const rows = keys.map(({ id, tenant, name, scopes }) => [id, tenant, name, scopes.join(',')])
  const shown = keys.map(({ createdAt, lastUsedAt, ...key }) => ({ ...key, created_at: createdAt, last_used_at: lastUsedAt }))
  await writeOutput(json ? `${JSON.stringify(shown, undefined, 2)}\n` : textTable(['ID', 'TENANT', 'NAME', 'SCOPES'], rows))
  return EXIT.ok
}
