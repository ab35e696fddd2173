import { cp, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { migrate } from '../../services/core/infra/migrate.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'
import { createTestDatabase, type TestDatabase } from '../support/postgres.ts'

const log = silentLogger()
const shipped = path.join(packageRoot, 'services/core/infra/migrations')

describe('migrating', () => {
  let database: TestDatabase
  let folder: string
  let known: string[]
  beforeAll(async () => {
    database = await createTestDatabase()
    folder = await mkdtemp(path.join(os.tmpdir(), 'pixwarden-migrations-'))
    await cp(shipped, folder, { recursive: true })
    known = (await readdir(folder)).sort()
  })
  afterAll(async () => {
    await database?.drop()
    await rm(folder, { recursive: true, force: true })
  })

  const run = (databaseSchema: string, redisUrl?: string) =>
    migrate({ databaseUrl: database.url, databaseSchema, redisUrl }, log, folder)
  const schemas = async () =>
    (await database.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'pixwarden%' ORDER BY 1")).rows.map(
      ({ nspname }) => nspname,
    )
  const names = async (schema: string) =>
    (await database.query(`SELECT name FROM ${schema}.migrations ORDER BY name`)).rows.map(({ name }) => name)

  test('api and workers that start at one moment set up one database', async () => {
    await Promise.all(Array.from({ length: 6 }, () => run('pixwarden')))
    expect(await schemas()).toEqual(['pixwarden', 'pixwarden_queue'])
    expect(await names('pixwarden')).toEqual(known)
    await run('pixwarden')
  })

  test('with Redis, PostgreSQL gets no queue', async () => {
    await run('pixwarden_redis', 'redis://127.0.0.1')
    expect(await schemas()).toContain('pixwarden_redis')
    expect(await schemas()).not.toContain('pixwarden_redis_queue')
  })

  test('a later migration is added to those that are applied; one that fails leaves nothing', async () => {
    await writeFile(path.join(folder, '9999_more.sql'), 'CREATE TABLE more (id integer); CREATE TABLE uploads (id integer);')
    await expect(run('pixwarden')).rejects.toThrow('migration 9999_more.sql: relation "uploads" already exists')
    const { rows } = await database.query("SELECT to_regclass('pixwarden.more') AS more")
    expect(rows).toEqual([{ more: null }])
    await writeFile(path.join(folder, '9999_more.sql'), 'CREATE TABLE more (id integer)')
    await run('pixwarden')
    expect(await names('pixwarden')).toEqual([...known, '9999_more.sql'])
  })

  test('a migration that was edited after it was applied is refused by its name', async () => {
    await writeFile(path.join(folder, '9999_more.sql'), 'CREATE TABLE more (id bigint)')
    await expect(run('pixwarden')).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringContaining('9999_more.sql'),
    })
  })

  test('a user without the right to make schemas may start on one that is there', async () => {
    await database.query('CREATE ROLE pixwarden_plain LOGIN PASSWORD $$p$$').catch(() => {})
    await database.query('CREATE SCHEMA pixwarden_owned AUTHORIZATION pixwarden_plain')
    const url = Object.assign(new URL(database.url), { username: 'pixwarden_plain', password: 'p' }).href
    await migrate({ databaseUrl: url, databaseSchema: 'pixwarden_owned', redisUrl: 'redis://127.0.0.1' }, log, shipped)
    expect(await names('pixwarden_owned')).toEqual(known)
  })

  test('a wrong password, or a database that is not there, is a mistake of the configuration', async () => {
    for (const wrong of [{ password: 'wrong' }, { pathname: '/nowhere' }]) {
      const databaseUrl = (Object.assign(new URL(database.url), wrong) as URL).href
      const migrating = migrate({ databaseUrl, databaseSchema: 'pixwarden', redisUrl: undefined }, log)
      await expect(migrating).rejects.toMatchObject({
        code: 'invalid-config',
        message: expect.stringContaining('DATABASE_URL: '),
      })
    }
  })

  test('no database is said to be missing, one that is away to be unavailable', async () => {
    const rest = { databaseSchema: 'pixwarden', redisUrl: undefined }
    await expect(migrate({ databaseUrl: undefined, ...rest }, log)).rejects.toMatchObject({ code: 'invalid-config' })
    const away = 'postgres://u:p@127.0.0.1:1/db'
    await expect(migrate({ databaseUrl: away, ...rest }, log)).rejects.toMatchObject({ code: 'store-unavailable' })
  })
})
