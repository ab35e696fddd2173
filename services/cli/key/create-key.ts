import type { Scope } from '../../core/domain/scopes.ts'
import { cliActor } from '../cli-actor.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { warn } from '../warn.ts'
import { writeOutput } from '../write-output.ts'
import { withKeyStore } from './with-key-store.ts'

export type CreateKeyOptions = { name: string; scope: Scope[]; tenant: string; json?: boolean }

/** Makes a key and prints its secret, alone on stdout. Throws AppError `invalid-config` or `store-unavailable`. */
export async function createKey({ name, scope, tenant, json }: CreateKeyOptions, env: Env): Promise<ExitCode> {
  const { createdAt: _, ...key } = await withKeyStore(env, (keys) => keys.create({ tenant, name, scopes: scope }, cliActor()))
  await writeOutput(json ? `${JSON.stringify(key, undefined, 2)}\n` : `${key.secret}\n`)
  warn(`key ${key.id} of tenant ${tenant}, for ${scope.join(', ')}: keep it now, it cannot be shown again`)
  return EXIT.ok
}
