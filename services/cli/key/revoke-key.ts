import { cliActor } from '../cli-actor.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import type { Env } from '../settings.ts'
import { warn } from '../warn.ts'
import { withKeyStore } from './with-key-store.ts'

/** Ends a key. Exit code 1 when there is none of that id in force. Throws AppError `invalid-config` or `store-unavailable`. */
export async function revokeKey(id: string, env: Env): Promise<ExitCode> {
  const revoked = await withKeyStore(env, (keys) => keys.revoke(id, cliActor()))
  warn(revoked ? `key ${id} is revoked` : `there is no key ${id} in force`)
  return revoked ? EXIT.ok : EXIT.found
}
