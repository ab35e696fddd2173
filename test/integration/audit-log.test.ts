import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { AuditEntry } from '../../services/core/domain/audit.ts'
import { CHAIN_START, hashAuditRow } from '../../services/core/infra/audit-chain.ts'
import { appendAudit, listAudit } from '../../services/core/infra/audit-log.ts'
import { openDatabase } from '../../services/core/infra/database.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { verifyAuditLog } from '../../services/core/infra/verify-audit-log.ts'
import { openTestStore, type TestStore } from '../support/test-store.ts'

const entry = (subject: string): AuditEntry => ({
  tenant: 'shop',
  actor: { kind: 'person', id: 'p-1', name: 'Žofie "Z"' },
  action: 'upload.erase',
  subject,
  details: { z: 1.5, a: ['é', '😀'], n: null },
})

let opened: TestStore
beforeAll(async () => {
  opened = await openTestStore()
})
afterAll(() => opened?.close())
afterEach(async () => {
  await tamper('TRUNCATE @audit_log', `UPDATE @audit_head SET seq = 0, hash = repeat('0', 64)`)
  await sql('ALTER TABLE @audit_log ENABLE TRIGGER USER')
})

const verify = (expectHead?: string) => verifyAuditLog(opened.database, { expectHead })
const sql = (text: string, ...values: unknown[]) => opened.server.query(text.replaceAll('@', 'pixwarden.'), values)

async function append(count: number): Promise<void> {
  for (let i = 1; i <= count; i++) await appendAudit(opened.database.kysely, entry(`upload-${i}`))
}

/** What an owner of the database can do. */
async function tamper(...statements: string[]): Promise<void> {
  await sql('ALTER TABLE @audit_log DISABLE TRIGGER USER')
  for (const statement of statements) await sql(statement)
}

/** Gives a row the hash that its content and its predecessor's hash call for, as a careful forger would. */
async function remake(seq: number): Promise<void> {
  const rows = (await listAudit(opened.database, {}, 1000)).reverse()
  const row = rows.find((each) => each.seq === seq)
  if (!row) throw new Error(`there is no row ${seq}`)
  const prevHash = rows.find((each) => each.seq === seq - 1)?.hash ?? CHAIN_START.hash
  await sql('UPDATE @audit_log SET prev_hash = $2, hash = $3 WHERE seq = $1', seq, prevHash, hashAuditRow({ ...row, prevHash }))
}

describe('the audit log', () => {
  test('keeps what was done, by whom and to what, newest first', async () => {
    await append(3)
    const [newest, , oldest] = await listAudit(opened.database, {}, 10)
    expect(newest).toMatchObject({ seq: 3, tenant: 'shop', actor: entry('').actor, action: 'upload.erase', subject: 'upload-3' })
    expect(JSON.parse(newest?.details ?? '')).toEqual(entry('').details)
    expect(oldest).toMatchObject({ seq: 1, prevHash: '0'.repeat(64) })
    expect(newest?.at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  })

  test('is one chain without gaps, however many write at once, and whatever is rolled back', async () => {
    const { kysely } = opened.database
    const writers = Array.from({ length: 20 }, async (_, writer) => {
      for (let i = 0; i < 5; i++) {
        await kysely.transaction().execute((transaction) => appendAudit(transaction, entry(`${writer}-${i}`)))
        const failing = kysely.transaction().execute(async (transaction) => {
          await appendAudit(transaction, entry('never'))
          throw new Error('rolled back')
        })
        await expect(failing).rejects.toThrow('rolled back')
      }
    })
    await Promise.all(writers)
    const rows = await listAudit(opened.database, {}, 1000)
    expect(rows.map(({ seq }) => seq)).toEqual(Array.from({ length: 100 }, (_, i) => 100 - i))
    expect(new Set(rows.map(({ subject }) => subject)).size).toBe(100)
    expect(rows.map(({ at }) => at)).toEqual(
      rows
        .map(({ at }) => at)
        .sort()
        .reverse(),
    )
    expect(await verify()).toEqual({ ok: true, rows: 100, head: rows[0]?.hash })
  })

  test.each(["UPDATE @audit_log SET subject = 'x'", 'DELETE FROM @audit_log WHERE seq = 1', 'TRUNCATE @audit_log'])(
    'refuses %s',
    async (statement) => {
      await append(1)
      await expect(sql(statement)).rejects.toThrow('the audit log is only ever added to')
      expect(await verify()).toMatchObject({ ok: true, rows: 1 })
    },
  )

  test('says the same whatever the time zone and date style of the server are', async () => {
    await append(2)
    const { url } = opened.server
    const name = new URL(url).pathname.slice(1)
    await sql(`ALTER DATABASE ${name} SET timezone = 'Asia/Kathmandu'`)
    await sql(`ALTER DATABASE ${name} SET datestyle = 'German'`)
    const elsewhere = openDatabase({ url, schema: 'pixwarden', pool: 1, log: silentLogger() })
    await appendAudit(elsewhere.kysely, entry('upload-3'))
    expect(await verifyAuditLog(elsewhere)).toMatchObject({ ok: true, rows: 3 })
    await elsewhere.close()
    await sql(`ALTER DATABASE ${name} RESET ALL`)
    expect(await verify()).toMatchObject({ ok: true, rows: 3 })
  })
})

describe('verifying the audit log', () => {
  const shift = (from: number, by: number) => [
    `UPDATE @audit_log SET seq = seq + 1000 WHERE seq >= ${from}`,
    `UPDATE @audit_log SET seq = seq - 1000 + ${by} WHERE seq > 1000`,
  ]
  const move = (from: number, to: number) => `UPDATE @audit_log SET seq = ${to} WHERE seq = ${from}`
  const forged = (seq: number, prev = "repeat('f', 64)") =>
    `INSERT INTO @audit_log SELECT ${seq}, at, tenant, actor_kind, actor_id, 'nobody', action, 'forged', details, ${prev}, hash FROM @audit_log WHERE seq = 1`

  test('an empty one is whole', async () => {
    expect(await verify()).toEqual({ ok: true, rows: 0, head: '0'.repeat(64) })
  })

  test('more rows than are read at once are followed from page to page', async () => {
    await append(5)
    const rows = await listAudit(opened.database, {}, 1)
    let last = rows[0]
    const values: unknown[][] = []
    for (let seq = 6; seq <= 2100 && last; seq++) {
      const row = { ...last, seq, prevHash: last.hash }
      last = { ...row, hash: hashAuditRow(row) }
      values.push([seq, last.prevHash, last.hash])
    }
    await sql(
      `INSERT INTO @audit_log SELECT n, at, tenant, actor_kind, actor_id, actor_name, action, subject, details, p, h
       FROM unnest($1::bigint[], $2::text[], $3::text[]) AS more(n, p, h), (SELECT * FROM @audit_log WHERE seq = 5) AS five`,
      ...[0, 1, 2].map((column) => values.map((row) => row[column])),
    )
    await sql('UPDATE @audit_head SET seq = 2100, hash = $1', last?.hash)
    expect(await verify()).toEqual({ ok: true, rows: 2100, head: last?.hash })
    await tamper("UPDATE @audit_log SET subject = 'x' WHERE seq = 2001")
    expect(await verify()).toEqual({ ok: false, fault: 'edited', seq: 2001 })
  })

  test.each([
    ["subject = 'x'"],
    ["at = at + interval '1 microsecond'"],
    ["tenant = 'other'"],
    ["actor_kind = 'key'"],
    ["actor_id = 'p-2'"],
    ["actor_name = 'nobody'"],
    ["action = 'key.create'"],
    [`details = '{"z": 1.5, "a": ["é", "😀"], "n": 0}'`],
    ["prev_hash = repeat('f', 64)"],
    ["hash = repeat('f', 64)"],
  ])('names the row where %s', async (change) => {
    await append(5)
    await tamper(`UPDATE @audit_log SET ${change} WHERE seq = 3`)
    expect(await verify()).toEqual({ ok: false, fault: 'edited', seq: 3 })
  })

  test.each([1, 3, 5])('names row %i when it was edited and its hash made anew', async (seq) => {
    await append(5)
    await tamper(`UPDATE @audit_log SET subject = 'x' WHERE seq = ${seq}`)
    await remake(seq)
    expect(await verify()).toEqual({ ok: false, fault: 'edited', seq })
  })

  test.each([1, 3, 5])('names row %i when it was removed', async (seq) => {
    await append(5)
    await tamper(`DELETE FROM @audit_log WHERE seq = ${seq}`)
    expect(await verify()).toEqual({ ok: false, fault: 'removed', seq })
  })

  test('names the first of several rows that were removed, also when later ones took their numbers', async () => {
    await append(9)
    await tamper('DELETE FROM @audit_log WHERE seq IN (4, 5)', ...shift(6, -2))
    expect(await verify()).toEqual({ ok: false, fault: 'removed', seq: 4 })
  })

  test.each([
    ['two neighbours changed places', 3, [move(3, 100), move(4, 3), move(100, 4)]],
    ['two rows far apart changed places', 2, [move(2, 100), move(6, 2), move(100, 6)]],
    ['a row was moved to the end', 4, [move(4, 100), ...shift(5, -1)]],
    ['a row was moved to the front', 1, [move(5, 100), ...shift(1, 1), move(101, 1), move(7, 6)]],
  ])('names the place where %s', async (_, seq, statements) => {
    await append(7)
    await tamper(...statements)
    expect(await verify()).toEqual({ ok: false, fault: 'reordered', seq })
  })

  test('names a row that was put in, whether or not it fits its predecessor', async () => {
    await append(5)
    await tamper(...shift(3, 1), forged(3))
    expect(await verify()).toEqual({ ok: false, fault: 'inserted', seq: 3 })
    await remake(3)
    expect(await verify()).toEqual({ ok: false, fault: 'inserted', seq: 3 })
  })

  test('names a row that was put at the end', async () => {
    await append(5)
    await tamper(forged(6))
    await remake(6)
    expect(await verify()).toEqual({ ok: false, fault: 'inserted', seq: 6 })
  })

  test('names the first of the rows that were cut off the end', async () => {
    await append(5)
    await tamper('DELETE FROM @audit_log WHERE seq > 3')
    expect(await verify()).toEqual({ ok: false, fault: 'removed', seq: 4 })
  })

  test('a head that was kept elsewhere tells when the end was cut off without a trace, and stays good while the log grows', async () => {
    await append(3)
    const kept = await verify()
    if (!kept.ok) throw new Error('the log is not whole')
    await append(2)
    expect(await verify(kept.head)).toMatchObject({ ok: true, rows: 5 })
    await tamper(
      'DELETE FROM @audit_log WHERE seq > 2',
      'UPDATE @audit_head SET seq = 2, hash = (SELECT hash FROM @audit_log WHERE seq = 2)',
    )
    expect(await verify()).toMatchObject({ ok: true, rows: 2 })
    expect(await verify(kept.head)).toMatchObject({ ok: false, fault: 'lost-head', rows: 2 })
  })
})
