import { expect, test } from 'vitest'
import type { ExecutionProvider, ProviderNotice } from '../../services/core/infra/execution-providers.ts'
import { openResilient } from '../../services/worker/clip/open-resilient.ts'

type Device = { missing?: boolean; most?: number; opened: number; released: number }

/** Devices that take so many views at once, and embed a view as its first byte. */
async function setup(given: Partial<Record<ExecutionProvider, Partial<Device>>>) {
  const devices = Object.fromEntries(
    Object.entries(given).map(([name, device]) => [name, { opened: 0, released: 0, ...device }]),
  ) as Record<string, Device>
  const notices: ProviderNotice[] = []
  const clock = { ms: 0 }
  const opening = openResilient({
    providers: Object.keys(given) as ExecutionProvider[],
    now: () => clock.ms,
    onOpened: (notice) => notices.push(notice),
    async open(provider) {
      const device = devices[provider] as Device
      if (device.missing) throw new Error('no such device')
      device.opened++
      return {
        async embed(views) {
          if (views.length > (device.most ?? 100)) throw new Error('out of memory')
          return views.map((view) => Float32Array.of(view[0] ?? 0))
        },
        async release() {
          device.released++
        },
      }
    },
  })
  return { opening, devices, notices, clock }
}

const views = (...values: number[]) => values.map((value) => Uint8Array.of(value))
const numbers = (embeddings: Float32Array[]) => embeddings.map(([value]) => value)

test('the first provider that there is runs the model, and the others are told of', async () => {
  const { opening, notices } = await setup({ tensorrt: { missing: true }, cuda: {}, cpu: {} })
  expect(numbers(await (await opening).embed(views(1, 2)))).toEqual([1, 2])
  expect(notices).toEqual([{ provider: 'cuda', failed: [{ provider: 'tensorrt', message: 'no such device' }] }])
})

test('a model that none can run is refused, with what each said', async () => {
  const { opening } = await setup({ cuda: { missing: true }, cpu: { missing: true } })
  await expect(opening).rejects.toMatchObject({ code: 'invalid-model', message: 'cuda: no such device; cpu: no such device' })
})

test('a batch that does not fit is halved until it does, in its order', async () => {
  const { opening, notices } = await setup({ cuda: { most: 2 }, cpu: {} })
  expect(numbers(await (await opening).embed(views(1, 2, 3, 4, 5, 6, 7)))).toEqual([1, 2, 3, 4, 5, 6, 7])
  expect(notices.map(({ provider }) => provider)).toEqual(['cuda'])
})

test('a device that fails is left for the next one, and tried again a minute later', async () => {
  const { opening, devices, notices, clock } = await setup({ cuda: {}, cpu: {} })
  const session = await opening
  const cuda = devices.cuda as Device
  cuda.most = 0
  expect(numbers(await session.embed(views(1, 2)))).toEqual([1, 2])
  expect(cuda.released).toBe(1)

  cuda.missing = true
  clock.ms = 61_000
  expect(numbers(await session.embed(views(3)))).toEqual([3])
  expect(notices.map(({ provider }) => provider)).toEqual(['cuda', 'cpu'])

  cuda.missing = false
  cuda.most = 100
  clock.ms = 100_000
  await session.embed(views(4))
  expect(cuda.opened).toBe(1)
  clock.ms = 130_000
  expect(numbers(await session.embed(views(5)))).toEqual([5])
  expect(notices.map(({ provider }) => provider)).toEqual(['cuda', 'cpu', 'cuda'])
  expect(devices.cpu?.released).toBe(1)
})

test('what fails on the last provider fails, and nothing else with it', async () => {
  const { opening, devices } = await setup({ cpu: {} })
  const session = await opening
  ;(devices.cpu as Device).most = 0
  await expect(session.embed(views(1))).rejects.toThrow('out of memory')
  ;(devices.cpu as Device).most = 1
  expect(numbers(await session.embed(views(1, 2)))).toEqual([1, 2])
})
