import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { THE_SERVICE } from '../../services/core/domain/audit.ts'
import { type IdListener, listenForIds } from '../../services/core/infra/id-listener.ts'
import {
  type ClaimedTask,
  IMAGE_TASKS_CHANNEL,
  IMAGE_TASKS_ENDED_CHANNEL,
  type ImageTaskKind,
  type ImageTaskStore,
  imageTaskKey,
} from '../../services/core/infra/image-task-store.ts'
import { silentLogger } from '../../services/core/infra/logger.ts'
import { createPgImageTaskStore } from '../../services/core/infra/pg-image-task-store.ts'
import { createPgRetentionStore } from '../../services/core/infra/pg-retention-store.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import type { ClaimedUpload } from '../../services/core/infra/upload-store.ts'
import { newConclusion, newUpload, openTestStore, type TestStore } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

const TENANT = 'default'
const KINDS = ['blurred', 'display', 'explanation'] as const
const RESULT = { mime: 'image/webp', bytes: Buffer.from([1, 2, 3]) }
const MODEL = { id: 'm', revision: 'r1' }

let opened: TestStore
let store: ImageTaskStore
beforeAll(async () => {
  opened = await openTestStore()
  store = createPgImageTaskStore(opened.database)
})
afterAll(() => opened?.close())
beforeEach(async () => void (await opened.server.query('DELETE FROM pixwarden.uploads')))

const uploads = () => createPgUploadStore(opened.database)
const retention = () => createPgRetentionStore(opened.database)

/** A flagged upload with an embedding by MODEL. */
async function flagged(values: Parameters<typeof newUpload>[0] = {}): Promise<string> {
  const upload = newUpload(values)
  await uploads().insert(upload)
  const embeddings = [{ view: 'full', embedding: Float32Array.of(0.6, 0.8) }]
  const conclusion = newConclusion({ action: 'flag', model: MODEL, embeddings })
  await uploads().conclude((await uploads().claim(upload.id)) as ClaimedUpload, conclusion)
  return upload.id
}

const ask = (uploadId: string, kind: ImageTaskKind = 'display', tenant = TENANT) => store.ask({ tenant, uploadId, kind })
const find = (uploadId: string, kind: ImageTaskKind = 'display', tenant = TENANT) => store.find(tenant, uploadId, kind)
const claim = ({
  kinds = KINDS,
  leaseMs = 60_000,
  modelRevision = MODEL.revision,
}: Partial<Parameters<ImageTaskStore['claim']>[0]> = {}) => store.claim({ kinds, leaseMs, modelRevision })
const claimed = async (options: Parameters<typeof claim>[0] = {}) => (await claim(options)) as ClaimedTask

describe('a task', () => {
  test('is asked for once, however many ask, done once, and then there for all of them', async () => {
    const id = await flagged()
    expect(await find(id)).toBeUndefined()
    expect(await Promise.all(Array.from({ length: 20 }, () => ask(id)))).toEqual(Array(20).fill(true))
    const tasks = await Promise.all(Array.from({ length: 20 }, () => claim()))
    const [task, ...others] = tasks.filter((each) => each !== undefined)
    expect(others).toEqual([])
    expect(task).toMatchObject({ uploadId: id, kind: 'display', attempts: 1, blobKey: `${TENANT}/${id}` })
    expect(await find(id)).toEqual({ state: 'waiting' })
    expect(await store.complete(task as ClaimedTask, RESULT)).toBe(true)
    expect(await find(id)).toMatchObject({ state: 'done', mime: 'image/webp', result: RESULT.bytes })
    expect(await ask(id)).toBe(true)
    expect(await claim()).toBeUndefined()
  })

  test('is only for its tenant', async () => {
    const id = await flagged()
    expect(await ask(id, 'display', 'other')).toBe(false)
    await ask(id)
    await store.complete(await claimed(), RESULT)
    expect(await find(id, 'display', 'other')).toBeUndefined()
    expect(await store.image('other', id)).toBeUndefined()
  })

  test('of a worker that has died is another’s when the lease ends, and the dead one’s result is not taken', async () => {
    const id = await flagged()
    await ask(id)
    const dead = await claimed({ leaseMs: 1 })
    const next = await waitFor(() => claim(), { what: 'the lease to end' })
    expect(next.attempts).toBe(2)
    expect(await store.renew(dead, 60_000)).toBe(false)
    expect(await store.complete(dead, { ...RESULT, mime: 'image/png' })).toBe(false)
    expect(await store.complete(next, RESULT)).toBe(true)
    expect(await find(id)).toMatchObject({ mime: 'image/webp' })
  })

  test('is held for as long as its lease is renewed', async () => {
    await ask(await flagged())
    const task = await claimed({ leaseMs: 0 })
    expect(await store.renew(task, 60_000)).toBe(true)
    expect(await claim()).toBeUndefined()
  })

  test('that is given back is another’s at once, and its attempt counts only when it is to', async () => {
    await ask(await flagged())
    await store.release(await claimed(), { counted: false })
    const again = await claimed()
    expect(again.attempts).toBe(1)
    await store.release(again, { counted: true })
    expect((await claimed()).attempts).toBe(2)
  })

  test('that has failed stays so for now, and says why', async () => {
    const id = await flagged()
    await ask(id)
    await store.fail(await claimed(), 'undecodable', 'damaged:\0 no end')
    expect(await find(id)).toEqual({ state: 'failed', problem: 'undecodable', detail: 'damaged:\ufffd no end' })
    expect(await ask(id)).toBe(true)
    expect(await claim()).toBeUndefined()
  })

  test('is taken by those who do its kind, in the order of asking', async () => {
    const [first, second] = [await flagged(), await flagged()]
    await ask(first, 'explanation')
    await ask(first, 'blurred')
    await ask(second, 'blurred')
    const taken = [await claimed({ kinds: ['blurred', 'display'] }), await claimed({ kinds: ['blurred', 'display'] })]
    expect(taken.map(({ uploadId, kind }) => [uploadId, kind])).toEqual([
      [first, 'blurred'],
      [second, 'blurred'],
    ])
    expect(await claim({ kinds: ['blurred', 'display'] })).toBeUndefined()
    expect(await claimed()).toMatchObject({ kind: 'explanation', decidedBy: { modelRevision: MODEL.revision, versions: {} } })
  })

  test('that is old is deleted, done or still waited for, and made anew for whoever asks', async () => {
    const [done, waiting] = [await flagged(), await flagged()]
    await ask(done)
    await store.complete(await claimed(), RESULT)
    await ask(waiting)
    expect(await store.deleteOld({ olderThanMs: 60_000, failedBeforeMs: 0 })).toBe(0)
    expect(await store.deleteOld({ olderThanMs: 0, failedBeforeMs: 60_000 })).toBe(2)
    expect(await find(done)).toBeUndefined()
    await ask(done)
    expect(await claimed()).toMatchObject({ uploadId: done })
  })

  test('that have failed are tried again for whoever asks some time later', async () => {
    const id = await flagged()
    await ask(id)
    await store.fail(await claimed(), 'undecodable', 'took too long to decode')
    expect(await store.deleteOld({ olderThanMs: 0, failedBeforeMs: 60_000 })).toBe(0)
    expect(await store.deleteOld({ olderThanMs: 60_000, failedBeforeMs: 0 })).toBe(1)
    await ask(id)
    expect(await claimed()).toMatchObject({ uploadId: id, attempts: 1 })
  })
})

describe('an explanation', () => {
  const stale = (policyVersions: string, ageMs = 0) => ({ policyVersions, ageMs })

  test('by other policies is made anew, unless it is young', async () => {
    const id = await flagged()
    const asking = { tenant: TENANT, uploadId: id, kind: 'explanation' as const }
    await store.ask({ ...asking, stale: stale('animals@1') })
    await store.complete(await claimed(), { ...RESULT, policyVersions: 'animals@1' })
    await store.ask({ ...asking, stale: stale('animals@1') })
    await store.ask({ ...asking, stale: stale('animals@2', 60_000) })
    expect(await find(id, 'explanation')).toMatchObject({ state: 'done', policyVersions: 'animals@1' })
    await store.ask({ ...asking, stale: stale('animals@2') })
    expect(await find(id, 'explanation')).toEqual({ state: 'waiting' })
    expect(await claimed()).toMatchObject({ attempts: 1 })
  })

  test('by another model is deleted', async () => {
    const [id, other] = [await flagged(), await flagged()]
    await ask(id, 'explanation')
    await store.complete(await claimed({ modelRevision: 'r0' }), RESULT)
    await ask(other, 'explanation')
    await store.complete(await claimed(), RESULT)
    expect(await store.deleteOthers(MODEL.revision)).toBe(1)
    expect(await find(id, 'explanation')).toBeUndefined()
    expect(await find(other, 'explanation')).toMatchObject({ state: 'done' })
  })

  test('has the embeddings of its model', async () => {
    const id = await flagged()
    expect(await store.embeddings(id, MODEL.revision)).toEqual([{ view: 'full', embedding: Float32Array.of(0.6, 0.8) }])
    expect(await store.embeddings(id, 'r0')).toEqual([])
  })
})

describe('when the image goes', () => {
  test.each([
    ['its bytes are deleted', (id: string) => retention().imagesDeleted([id])],
    ['its time is over', (id: string) => retention().imagesExpired([id])],
    ['it is erased', (id: string) => uploads().erase(TENANT, id, THE_SERVICE)],
  ])('because %s, so does everything that was made of it, and nothing more is', async (_why, remove) => {
    const id = await flagged()
    for (const kind of KINDS) await ask(id, kind)
    await store.complete(await claimed(), RESULT)
    const late = await claimed()
    await remove(id)
    expect(await store.complete(late, RESULT)).toBe(false)
    expect(await Promise.all(KINDS.map((kind) => find(id, kind)))).toEqual([undefined, undefined, undefined])
    expect([await ask(id, 'blurred'), await ask(id, 'display')]).toEqual([false, false])
    expect((await opened.server.query('SELECT FROM pixwarden.image_tasks')).rowCount).toBe(0)
  })

  test('an explanation can be had by its embeddings for as long as they are kept', async () => {
    const id = await flagged()
    await retention().imagesDeleted([id])
    expect(await ask(id, 'explanation')).toBe(true)
    expect(await claimed()).toMatchObject({ uploadId: id, blobKey: undefined })
    const gone = await flagged()
    await retention().imagesExpired([gone])
    expect(await ask(gone, 'explanation')).toBe(false)
  })

  test('whoever asks at that very moment leaves nothing behind', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => flagged()))
    const racing = ids.flatMap((id) => [ask(id, 'display'), retention().imagesDeleted([id]), ask(id, 'blurred')])
    await Promise.all(racing)
    expect((await opened.server.query('SELECT FROM pixwarden.image_tasks')).rowCount).toBe(0)
  })
})

describe('announcements', () => {
  let listeners: IdListener[] = []
  const listen = async (channel: string): Promise<IdListener> => {
    const listener = listenForIds({ url: opened.server.url, channel, log: silentLogger() })
    listeners.push(listener)
    const listening = `SELECT FROM pg_stat_activity WHERE query = 'LISTEN ${channel}' AND datname = current_database()`
    await waitFor(async () => (await opened.server.query(listening)).rowCount === 1, { what: 'the listener' })
    return listener
  }
  beforeEach(() => async () => {
    await Promise.all(listeners.map((each) => each.close()))
    listeners = []
  })

  test('tell workers of what is asked for, and those who asked of its end', async () => {
    const [asked, ended] = [await listen(IMAGE_TASKS_CHANNEL), await listen(IMAGE_TASKS_ENDED_CHANNEL)]
    const [done, failed] = [await flagged(), await flagged()]
    const hears = [asked.waitFor('display', 10_000), ended.waitFor(imageTaskKey(done, 'display'), 10_000)]
    await ask(done)
    await store.complete(await claimed(), RESULT)
    expect(await Promise.all(hears)).toEqual([true, true])
    const hearsToo = ended.waitFor(imageTaskKey(failed, 'display'), 10_000)
    await ask(failed)
    await store.fail(await claimed(), 'undecodable', 'damaged')
    expect(await hearsToo).toBe(true)
  })
})

test('an image is told of by its tenant’s, while it is there', async () => {
  const id = await flagged({ mime: 'image/gif', byteSize: 99 })
  expect(await store.image(TENANT, id)).toEqual({ blobKey: `${TENANT}/${id}`, mime: 'image/gif', byteSize: 99, decided: true })
  await retention().imagesDeleted([id])
  expect(await store.image(TENANT, id)).toMatchObject({ blobKey: undefined })
  await uploads().erase(TENANT, id, THE_SERVICE)
  await expect(store.image(TENANT, id)).rejects.toMatchObject({ code: 'erased' })
})
