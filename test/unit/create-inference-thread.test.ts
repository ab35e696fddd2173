import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createInferenceThread, type InferenceThread } from '../../services/worker/clip/create-inference-thread.ts'
import type { Model } from '../../services/worker/clip/open-model.ts'

const ENTRY = new URL('../support/fragile-thread.js', import.meta.url)
let thread: InferenceThread
beforeEach(() => {
  thread = createInferenceThread({ model: {} as Model, threads: 1, providers: ['cpu'] }, { entry: ENTRY })
})
afterEach(() => thread.close())

const embed = async (text: string) => (await thread.call({ task: 'texts', texts: [text] })).embeddings[0]?.[0]

for (const way of ['crash', 'exit'])
  test(`when the thread dies by ${way}, its calls fail and the next one is answered by a fresh thread`, async () => {
    expect(await embed('12345')).toBe(5)
    const outcomes = await Promise.allSettled([embed('hang'), embed(way), embed('behind it')])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { code: 'model-failed' } })
    expect(await embed('1234')).toBe(4)
  })

test('a call that fails is its own affair', async () => {
  const outcomes = await Promise.allSettled([embed('123'), embed('fail'), embed('1234')])
  expect(outcomes).toMatchObject([{ value: 3 }, { reason: { code: 'model-failed', message: 'as told' } }, { value: 4 }])
})

test('closing waits for what was asked, and what comes after fails', async () => {
  const asked = Promise.all([embed('123'), embed('1234')])
  await thread.close()
  expect(await asked).toEqual([3, 4])
  await expect(embed('12345')).rejects.toMatchObject({ code: 'model-failed', message: 'the model is closed' })
})

test('a model that runs on and on is told of, but not one that is still loading', async () => {
  const loading = vi.fn()
  const slow = createInferenceThread(
    { model: {} as Model, threads: 1, providers: ['cpu'] },
    { entry: ENTRY, whenStuck: { afterMs: 1, tell: loading } },
  )
  const embedSlowly = (text: string) => slow.call({ task: 'texts', texts: [text] })
  await embedSlowly('the first, for which a thread starts')
  expect(loading).not.toHaveBeenCalled()
  const hanging = embedSlowly('hang')
  await vi.waitFor(() => expect(loading).toHaveBeenCalledOnce())
  await Promise.allSettled([embedSlowly('exit'), hanging])
  await slow.close()
})
