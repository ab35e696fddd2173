import { AppError } from '../../core/domain/errors.ts'
import { personName } from '../../core/domain/person.ts'
import { allows } from '../../core/domain/scopes.ts'
import type { ApiKey, ApiKeyStore } from '../../core/infra/api-key-store.ts'
import { createPgApiKeyStore } from '../../core/infra/pg-api-key-store.ts'
import { createPgSessionStore } from '../../core/infra/pg-session-store.ts'
import { readRuntimeFile } from '../../core/infra/runtime-file.ts'
import { cliActor } from '../cli-actor.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { type Env, readSettings } from '../settings.ts'
import { warn } from '../warn.ts'
import { withDatabase } from '../with-database.ts'
import { writeOutput } from '../write-output.ts'

export type SignInLinkOptions = { key?: string; name?: string; tenant: string; url?: string }

/** The key that people without one are signed in by. Nobody has its secret. */
const OWN_KEY = 'dashboard'

/**
 * Prints an address, alone on stdout, that signs whoever opens it in, once. Throws AppError `invalid-config`, `invalid-request` for a key or a name that
 * cannot be used, or `store-unavailable`.
 */
export async function signInLink(options: SignInLinkOptions, env: Env): Promise<ExitCode> {
  const name = personName(options.name ?? cliActor().id)
  if (name === undefined) throw new AppError('invalid-request', '--name: 1 to 100 characters on one line are needed')
  const { key, link } = await withDatabase(env, 'sessions are', async (database) => {
    const found = await findKey(createPgApiKeyStore(database), options)
    return { key: found, link: await createPgSessionStore(database).createLink({ keyId: found.id, name }, cliActor()) }
  })
  await writeOutput(`${await baseUrl(options, env)}/dashboard/#link=${link}\n`)
  warn(`signs ${name} in once, within ten minutes, by the key "${key.name}" (${key.scopes.join(', ')})`)
  return EXIT.ok
}

async function findKey(keys: ApiKeyStore, { tenant, key: wanted }: SignInLinkOptions): Promise<ApiKey> {
  const inForce = await keys.list(tenant)
  if (wanted === undefined) {
    const own = inForce.find(({ name, scopes }) => name === OWN_KEY && scopes.includes('admin'))
    return own ?? keys.create({ tenant, name: OWN_KEY, scopes: ['admin'] }, cliActor())
  }
  const [found, another] = inForce.filter(({ id, name }) => id === wanted || name === wanted)
  if (!found) throw new AppError('invalid-request', `tenant ${tenant} has no key "${wanted}" in force`)
  if (another) throw new AppError('invalid-request', `several keys are called "${wanted}": give the id of one`)
  if (!allows(found.scopes, ['review'])) throw new AppError('invalid-request', `key "${wanted}" has not the scope review`)
  return found
}

/** Where the standalone service says it is; else where the environment says that an api listens. */
async function baseUrl({ url }: SignInLinkOptions, env: Env): Promise<string> {
  if (url !== undefined) return url.replace(/\/+$/, '')
  const { databaseUrl, dataDir, host, port } = readSettings(env, {})
  const running = databaseUrl === undefined ? await readRuntimeFile(dataDir) : undefined
  return running?.apiUrl ?? `http://${host.includes(':') ? `[${host}]` : host}:${port}`
}
