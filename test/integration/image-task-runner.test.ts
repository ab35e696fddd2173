import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { THE_SERVICE } from '../../services/core/domain/audit.ts'
import { AppError } from '../../services/core/domain/errors.ts'
import type { ClaimedTask, ImageTaskStore } from '../../services/core/infra/image-task-store.ts'
import { createMetrics, type Metrics } from '../../services/core/infra/metrics.ts'
import { createPgImageTaskStore } from '../../services/core/infra/pg-image-task-store.ts'
import { createPgUploadStore } from '../../services/core/infra/pg-upload-store.ts'
import type { Outcome } from '../../services/worker/image-tasks/do-image-task.ts'
import { type Runner, startImageTaskRunner } from '../../services/worker/image-tasks/image-task-runner.ts'
import { collectLog } from '../support/collect-log.ts'
import { newUpload, openTestStore, type TestStore } from '../support/test-store.ts'
import { waitFor } from '../support/wait-for.ts'

const DONE: Outcome = { result: { mime: 'image/webp', bytes: Buffer.from([1]) } }

let opened: TestStore
let store: ImageTaskStore
let metrics: Metrics
let runners: Runner[]
beforeAll(async () => {
  opened = await openTestStore()
  store = createPgImageTaskStore(opened.database)
})
afterAll(() => opened?.close())
beforeEach(async () => {
  await opened.server.query('DELETE FROM pixwarden.uploads')
  metrics = createMetrics()
  runners = []
})
afterEach(async () => void (await Promise.all(runners.map((each) => each.stop()))))

/** Asks for a picture of a new upload, and tells its id. */
async function asked(): Promise<string> {
  const upload = newUpload()
  await createPgUploadStore(opened.database).insert(upload)
  await store.ask({ tenant: 'default', uploadId: upload.id, kind: 'display' })
  for (const runner of runners) runner.ring()
  return upload.id
}

type Work = (task: ClaimedTask, signal: AbortSignal) => Promise<Outcome>

/** A runner as one of another worker. */
function run(work: Work, { leaseMs = 60_000 } = {}): Runner {
  const options = { kinds: ['display'] as const, modelRevision: 'r', store, metrics, log: collectLog().log, leaseMs }
  const runner = startImageTaskRunner({ ...options, work })
  runners.push(runner)
  return runner
}

const rowOf = async (id: string) =>
  (
    await opened.server.query(
      'SELECT state, attempts, problem, detail, lease, leased_until FROM pixwarden.image_tasks WHERE upload_id = $1',
      [id],
    )
  ).rows[0]
const ended = (id: string, state = 'done') =>
  waitFor(async () => (await rowOf(id))?.state === state && rowOf(id), { what: `a task that is ${state}` })
const counted = async () =>
  Object.fromEntries((await metrics.imageTasks.get()).values.map(({ labels, value }) => [labels.outcome, value]))

test('what is asked for while there is much to do is done in turn, each once', async () => {
  const seen: string[] = []
  run(async ({ uploadId }) => {
    seen.push(uploadId)
    return DONE
  })
  const ids = [await asked(), await asked(), await asked()]
  for (const id of ids) await ended(id)
  expect(seen).toEqual(ids)
  expect(await counted()).toEqual({ done: 3 })
  expect((await metrics.imageTaskDuration.get()).values.find(({ metricName }) => metricName?.endsWith('_count'))?.value).toBe(3)
})

describe('a task that fails', () => {
  test.each([
    [
      'its decoder is killed',
      new AppError('decoder-failed', 'took too long', { details: { reason: 'wall' } }),
      'undecodable',
      'took too long',
    ],
    ['the model fails', new AppError('model-failed', 'onnx: node 17'), 'model-failed', 'the model fails on this image'],
    ['nobody foresaw why', new TypeError('x is undefined'), 'model-failed', 'the model fails on this image'],
  ])('because %s is tried three times and no more', async (_why, error, problem, detail) => {
    let attempts = 0
    run(async () => {
      attempts++
      throw error
    })
    expect(await ended(await asked(), 'failed')).toMatchObject({ attempts: 3, problem, detail, lease: null })
    expect(attempts).toBe(3)
    expect(await counted()).toEqual({ retried: 2, failed: 1 })
  })

  test('because the picture is damaged is not tried again', async () => {
    run(() => Promise.reject(new AppError('undecodable', 'damaged: no end')))
    expect(await ended(await asked(), 'failed')).toMatchObject({ attempts: 1, problem: 'undecodable', detail: 'damaged: no end' })
  })

  test('because this worker’s decoders do not start counts for nothing, and another does it', async () => {
    let tried = () => {}
    const once = new Promise<void>((resolve) => {
      tried = resolve
    })
    run(async () => {
      tried()
      throw new AppError('decoder-failed', 'the decoder did not start', { details: { reason: 'start' } })
    })
    const id = await asked()
    await once
    await waitFor(async () => (await rowOf(id)).lease === null, { what: 'it to be given back' })
    expect(await rowOf(id)).toMatchObject({ state: 'waiting', attempts: 0 })
    run(async () => DONE)
    expect(await ended(id)).toMatchObject({ attempts: 1 })
  })

  test('since it took its worker down, three times, is not begun a fourth time', async () => {
    const id = await asked()
    for (let attempt = 1; attempt <= 3; attempt++)
      await waitFor(() => store.claim({ kinds: ['display'], leaseMs: 1, modelRevision: 'r' }), { what: 'the lease to end' })
    let begun = false
    run(async () => {
      begun = true
      return DONE
    })
    expect(await ended(id, 'failed')).toMatchObject({ problem: 'undecodable', detail: 'none of 3 attempts came to an end' })
    expect(begun).toBe(false)
  })
})

test('work that takes longer than a lease stays with its worker', async () => {
  const begun: string[] = []
  const outlastLease: Work = async ({ uploadId, lease }) => {
    begun.push(lease)
    const { leased_until: end } = await rowOf(uploadId)
    const isOver = async () => (await opened.server.query('SELECT now() > $1 AS over', [end])).rows[0].over
    await waitFor(isOver, { what: 'the first lease to be over' })
    for (const runner of runners) runner.ring()
    return DONE
  }
  run(outlastLease, { leaseMs: 300 })
  run(outlastLease, { leaseMs: 300 })
  await ended(await asked())
  expect(begun).toHaveLength(1)
  expect(await counted()).toEqual({ done: 1 })
})

test('a worker that stops gives back what it has in hand, at once and uncounted', async () => {
  let begun = () => {}
  const beginning = new Promise<void>((resolve) => {
    begun = resolve
  })
  const runner = run(async (_task, signal) => {
    begun()
    await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    return DONE
  })
  const id = await asked()
  await beginning
  await runner.stop()
  expect(await rowOf(id)).toMatchObject({ state: 'waiting', attempts: 0, lease: null })
  expect(await counted()).toEqual({ returned: 1 })
})

test('what comes of an image that was erased meanwhile is not kept', async () => {
  run(async ({ uploadId }) => {
    await createPgUploadStore(opened.database).erase('default', uploadId, THE_SERVICE)
    return DONE
  })
  const id = await asked()
  await waitFor(async () => (await counted()).lost === 1, { what: 'the result to be dropped' })
  expect(await rowOf(id)).toBeUndefined()
})
