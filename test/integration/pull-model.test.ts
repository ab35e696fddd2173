import { existsSync, writeFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { hostname, tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Dtype } from '../../services/core/domain/model-files.ts'
import type { HubModel } from '../../services/core/domain/model-registry.ts'
import { createHubClient } from '../../services/core/infra/hub/hub-client.ts'
import { readHubSettings } from '../../services/core/infra/hub/hub-settings.ts'
import { readManifest } from '../../services/core/infra/hub/model-manifest.ts'
import { findTarget } from '../../services/core/infra/hub/plan-pull.ts'
import { type PullOptions, pullModel, removeModel } from '../../services/core/infra/hub/pull-model.ts'
import { startHttpProxy } from '../support/http-proxy.ts'
import { COMMIT, type FakeHub, type Fault, type HubRepo, sha256, startHub } from '../support/hub.ts'
import { skipLoudly } from '../support/skip-loudly.ts'
import { mountTmpfs, whyNoTmpfs } from '../support/tmpfs.ts'

const bytes = (size: number, seed: number) =>
  Buffer.from(Uint8Array.from({ length: size }, (_, i) => (i * seed + (i >> 8)) % 251))
const small = {
  'config.json': Buffer.from('{ "model_type": "clip" }'),
  'preprocessor_config.json': Buffer.from('{ "size": 224 }'),
  'tokenizer.json': bytes(5000, 3),
  'tokenizer_config.json': Buffer.from('{}'),
}
const VISION = bytes(1_500_000, 7)
const FILES = {
  ...small,
  'README.md': Buffer.from('not for us'),
  'onnx/model.onnx': bytes(1000, 2),
  'onnx/vision_model.onnx': VISION,
  'onnx/text_model.onnx': bytes(200_000, 11),
  'onnx/vision_model_quantized.onnx': bytes(90_000, 13),
  'onnx/text_model_quantized.onnx': bytes(60_000, 17),
  'onnx/vision_model_fp16.onnx': bytes(100, 19),
}
const transformersJs = (): HubRepo => ({ commit: COMMIT, files: { ...FILES } })

let hub: FakeHub
let home: string
let modelsDir: string
beforeEach(async () => {
  hub = await startHub({ 'me/clip': transformersJs() })
  home = await mkdtemp(path.join(tmpdir(), 'pixwarden-pull-'))
  modelsDir = path.join(home, 'models')
})
afterEach(async () => {
  await hub.close()
  await rm(home, { recursive: true })
})

type Wish = Partial<PullOptions> & {
  name?: string
  revision?: string
  dtype?: Dtype
  registered?: Partial<HubModel>
  env?: Record<string, string>
}

async function pull({ name = 'me/clip', revision, dtype = 'fp32', registered, env, ...options }: Wish = {}) {
  const client = createHubClient(readHubSettings({ HF_ENDPOINT: hub.endpoint, ...env }))
  onTestFinished(() => client.close())
  const models = registered ? [{ ...KNOWN, ...registered }] : []
  const target = findTarget({ models }, name, { revision, dtype })
  return pullModel(target, { modelsDir, client, pauses: [1, 1, 1], ...options })
}

const KNOWN: HubModel = {
  kind: 'hub',
  id: 'known',
  title: 'Known',
  repo: 'me/clip',
  commit: COMMIT,
  layout: 'transformers.js',
  licence: 'MIT',
  embedding_size: 512,
  image_size: 224,
  calibrated: false,
  settings: { logit_scale: 117.3, logit_bias: -12.9 },
  files: {},
}

const failed = (code: string, ...parts: string[]) =>
  expect.objectContaining({ code, message: expect.stringMatching(new RegExp(parts.join('[^]*'))) })
const inModels = () => readdir(modelsDir).then((names) => names.filter((name) => !name.startsWith('.')))
/** Applies to the first request for a file at the host that has it, or to all. */
const faulty = (file: string, fault: Fault, always = false) => {
  hub.faults = ({ host, path: asked }, before) =>
    asked.endsWith(`/${file}`) && host === (file.includes('.onnx') ? 'cdn' : 'hub') && (always || before === 0)
      ? fault
      : undefined
}

describe('a model is pulled', () => {
  test('with the files of both sides and nothing else, and a manifest of what they are', async () => {
    const { dir, fetched } = await pull()
    expect({ dir, fetched }).toEqual({ dir: path.join(modelsDir, 'me--clip'), fetched: true })
    expect((await readdir(dir)).sort()).toEqual([
      'config.json',
      'onnx',
      'pixwarden-model.json',
      'preprocessor_config.json',
      'tokenizer.json',
      'tokenizer_config.json',
    ])
    expect((await readdir(path.join(dir, 'onnx'))).sort()).toEqual(['text_model.onnx', 'vision_model.onnx'])
    expect(await readManifest(dir)).toMatchObject({
      id: 'me--clip',
      repo: 'me/clip',
      commit: COMMIT,
      dtype: 'fp32',
      settings: {},
    })
    const { files = [] } = (await readManifest(dir)) ?? {}
    expect(files).toHaveLength(6)
    expect(files).toContainEqual({ path: 'onnx/vision_model.onnx', sha256: sha256(VISION), size: VISION.length })
    expect(sha256(await readFile(path.join(dir, 'onnx/vision_model.onnx')))).toBe(sha256(VISION))
  })

  test('in another dtype beside it, under the same id', async () => {
    await pull()
    const { dir, manifest } = await pull({ dtype: 'q8' })
    expect(manifest).toMatchObject({ id: 'me--clip', dtype: 'q8' })
    expect((await readdir(path.join(dir, 'onnx'))).sort()).toEqual(['text_model_quantized.onnx', 'vision_model_quantized.onnx'])
    expect(await inModels()).toEqual(['me--clip', 'me--clip-q8'])
  })

  test('with the weights that lie beside its graphs', async () => {
    const repo = hub.repos.get('me/clip') as HubRepo
    repo.files['onnx/text_model.onnx_data'] = bytes(70_000, 23)
    repo.files['onnx/text_model_quantized.onnx_data'] = bytes(10, 23)
    const { dir } = await pull()
    expect(await readFile(path.join(dir, 'onnx/text_model.onnx_data'))).toEqual(repo.files['onnx/text_model.onnx_data'])
    expect(await readdir(path.join(dir, 'onnx'))).toHaveLength(3)
  })

  test("in immich's layout", async () => {
    const files = {
      'config.json': bytes(10, 3),
      'visual/model.onnx': bytes(50_000, 5),
      'visual/preprocess_cfg.json': bytes(20, 3),
      'visual/model.armnn': bytes(10, 3),
      'textual/model.onnx': bytes(50_000, 7),
      'textual/tokenizer.json': bytes(30, 3),
      'textual/tokenizer_config.json': bytes(40, 3),
    }
    hub.repos.set('immich-app/ViT', { commit: COMMIT, files })
    const { manifest } = await pull({ name: 'immich-app/ViT' })
    expect(manifest.files.map((file) => file.path)).toEqual(
      Object.keys(files)
        .filter((name) => !name.endsWith('.armnn'))
        .sort(),
    )
  })

  test('a second time only by looking', async () => {
    await pull()
    hub.requests.length = 0
    expect(await pull()).toMatchObject({ fetched: false })
    expect(hub.requests.map((request) => request.path)).toEqual([expect.stringContaining('/api/models/me/clip/revision/main')])
  })

  test('of another commit in the place of the old one', async () => {
    const { dir } = await pull()
    await writeFile(path.join(dir, 'left-over'), '')
    const repo = hub.repos.get('me/clip') as HubRepo
    repo.commit = 'b'.repeat(40)
    repo.files['onnx/vision_model.onnx'] = bytes(10_000, 29)
    expect((await pull()).manifest.commit).toBe('b'.repeat(40))
    expect(await readdir(dir)).not.toContain('left-over')
    expect(await inModels()).toEqual(['me--clip'])
  })

  test('and removed, but never what somebody put there by hand', async () => {
    const { dir } = await pull()
    expect(await removeModel(modelsDir, 'me--clip')).toBe(true)
    expect(await inModels()).toEqual([])
    expect(await removeModel(modelsDir, 'me--clip')).toBe(false)
    await pull()
    await rm(path.join(dir, 'pixwarden-model.json'))
    await expect(removeModel(modelsDir, 'me--clip')).rejects.toEqual(failed('invalid-model', 'was not pulled'))
    await expect(removeModel(modelsDir, '..')).rejects.toEqual(failed('invalid-model', 'no name'))
    expect(await inModels()).toEqual(['me--clip'])
  })
})

describe('the registry pins a model', () => {
  const known = (file: Buffer) => ({ sha256: sha256(file), size: file.length })
  const all = () => Object.fromEntries(Object.entries(transformersJs().files).map(([name, file]) => [name, known(file)]))

  test('to its commit, with the settings that its files lack', async () => {
    const { manifest, dir } = await pull({ name: 'known', registered: {} })
    expect(path.basename(dir)).toBe('known')
    expect(manifest).toMatchObject({ id: 'known', licence: 'MIT', settings: { logit_scale: 117.3, logit_bias: -12.9 } })
  })

  test('without asking the hub for a listing when every file is known', async () => {
    await pull({ name: 'known', registered: { files: all() } })
    expect(hub.requests.some((request) => request.path.startsWith('/api'))).toBe(false)
  })

  test('a file that is another than the registry says is refused, and no model appears', async () => {
    const registered = { files: { ...all(), 'config.json': { ...all()['config.json'], sha256: 'f'.repeat(64) } } }
    await expect(pull({ name: 'known', registered })).rejects.toEqual(
      failed('fetch-failed', 'config.json', 'SHA-256 is', 'f{64}'),
    )
    expect(await inModels()).toEqual([])
  })

  test('another revision is taken from the hub as it is', async () => {
    const repo = hub.repos.get('me/clip') as HubRepo
    repo.commit = 'c'.repeat(40)
    repo.files['config.json'] = Buffer.from('{}')
    const { manifest } = await pull({ name: 'known', revision: 'main', registered: { files: all() } })
    expect(manifest.commit).toBe('c'.repeat(40))
  })

  test('a commit that nobody knows is the newest, and written down', async () => {
    const { manifest } = await pull({ name: 'known', registered: { commit: 'unknown' } })
    expect(manifest.commit).toBe(COMMIT)
  })
})

describe('what came is gone on with', () => {
  test('after a connection that broke in the middle', async () => {
    faulty('onnx/vision_model.onnx', { kind: 'break', after: 900_000 })
    const { dir } = await pull()
    expect(sha256(await readFile(path.join(dir, 'onnx/vision_model.onnx')))).toBe(sha256(VISION))
    const [, second] = hub.requestsFor('onnx/vision_model.onnx')
    expect(second?.headers).toMatchObject({
      range: expect.stringMatching(/^bytes=[1-9]\d*-$/),
      'if-range': expect.stringContaining('vision'),
    })
  })

  test('by the next pull, after this one was interrupted', async () => {
    faulty('onnx/vision_model.onnx', { kind: 'stall', after: 900_000 })
    const interrupt = new AbortController()
    const onBytes = (there: number) => there > 700_000 && interrupt.abort()
    await expect(pull({ signal: interrupt.signal, onBytes })).rejects.toMatchObject({ name: 'AbortError' })
    expect(await inModels()).toEqual([])
    hub.requests.length = 0
    const { dir } = await pull()
    expect(sha256(await readFile(path.join(dir, 'onnx/vision_model.onnx')))).toBe(sha256(VISION))
    expect(hub.requestsFor('onnx/text_model.onnx')).toEqual([])
    expect(hub.requestsFor('onnx/vision_model.onnx')).toEqual([
      expect.objectContaining({ headers: expect.objectContaining({ range: expect.stringMatching(/^bytes=[1-9]/) }) }),
    ])
  })

  test('from the beginning, where the server knows no ranges', async () => {
    hub.faults = ({ host, path: asked }, before) => {
      if (host === 'hub' || !asked.endsWith('vision_model.onnx')) return undefined
      return before === 0 ? { kind: 'break', after: 900_000 } : { kind: 'ignore-range' }
    }
    const { dir } = await pull()
    expect(sha256(await readFile(path.join(dir, 'onnx/vision_model.onnx')))).toBe(sha256(VISION))
  })

  test('when the body ends too early without a word', async () => {
    faulty('onnx/vision_model.onnx', { kind: 'end', after: 1234 })
    const { dir } = await pull()
    expect(sha256(await readFile(path.join(dir, 'onnx/vision_model.onnx')))).toBe(sha256(VISION))
  })

  test('however often it breaks, while something arrives each time', async () => {
    hub.faults = ({ path: asked }) => (asked.endsWith('/onnx/vision_model.onnx') ? { kind: 'break', after: 300_000 } : undefined)
    const { dir } = await pull()
    expect(sha256(await readFile(path.join(dir, 'onnx/vision_model.onnx')))).toBe(sha256(VISION))
    expect(hub.requestsFor('onnx/vision_model.onnx').length).toBeGreaterThan(4)
  })
})

describe('what is wrong is told, and leaves no model', () => {
  afterEach(async () => {
    expect(await inModels().catch(() => [])).toEqual([])
  })

  test('bytes that are damaged each time', async () => {
    faulty('onnx/text_model.onnx', { kind: 'corrupt' }, true)
    await expect(pull()).rejects.toEqual(failed('fetch-failed', 'onnx/text_model.onnx arrived damaged', 'SHA-256'))
  })

  test.each(['onnx/text_model.onnx', 'tokenizer.json'])(
    '%s damaged, by the tags that a mirror sends with it which lists names only',
    async (file) => {
      hub.namesOnly = true
      faulty(file, { kind: 'corrupt' }, true)
      await expect(pull()).rejects.toEqual(failed('fetch-failed', `${file} arrived damaged`))
    },
  )

  test('small files that are damaged, of which the hub knows the blob only', async () => {
    faulty('tokenizer.json', { kind: 'corrupt' }, true)
    await expect(pull()).rejects.toEqual(failed('fetch-failed', 'tokenizer.json arrived damaged', 'not the blob'))
  })

  test('a hub that is out of order', async () => {
    faulty('tokenizer.json', { kind: 'status', status: 503 }, true)
    await expect(pull()).rejects.toEqual(failed('fetch-failed', 'answers 503', 'tried 4 times'))
  })

  test('a hub that nobody answers for', async () => {
    const env = { HF_ENDPOINT: 'http://127.0.0.1:9' }
    await expect(pull({ env })).rejects.toEqual(failed('fetch-failed', 'http://127.0.0.1:9 cannot be reached', 'tried 4 times'))
  })

  test('a model that is not there, or private', async () => {
    await expect(pull({ name: 'me/nothing' })).rejects.toEqual(failed('fetch-failed', 'no public model me/nothing', 'HF_TOKEN'))
  })

  test('a model whose terms were not accepted', async () => {
    hub.repos.set('me/gated', { ...transformersJs(), gated: true })
    await expect(pull({ name: 'me/gated' })).rejects.toEqual(
      failed('fetch-failed', 'gated', 'accept its terms at .*/me/gated', 'HF_TOKEN'),
    )
  })

  test('a revision that is not there', async () => {
    await expect(pull({ revision: 'v9' })).rejects.toEqual(failed('fetch-failed', 'no revision v9'))
  })

  test('a dtype that is not there, with those that are', async () => {
    await expect(pull({ dtype: 'fp16' })).rejects.toEqual(
      failed('invalid-model', 'no onnx/text_model_fp16.onnx: its dtypes are fp32, q8'),
    )
  })

  test('a repository that has no such model, whatever its files are called', async () => {
    const files = { 'config.json': Buffer.from('{}'), '../onnx/vision_model.onnx': VISION, 'pytorch_model.bin': VISION }
    hub.repos.set('me/other', { commit: COMMIT, files })
    await expect(pull({ name: 'me/other' })).rejects.toEqual(failed('invalid-model', 'no ONNX graphs'))
  })

  test('an endpoint that is no hub', async () => {
    hub.faults = () => ({ kind: 'status', status: 200 })
    await expect(pull()).rejects.toEqual(failed('fetch-failed', 'does not answer as the hub does'))
  })
})

test.each([
  ['damaged once', { kind: 'corrupt' } as const],
  ['too early', { kind: 'status', status: 429, headers: { 'retry-after': '0' } } as const],
  ['while the host is restarted', { kind: 'status', status: 502 } as const],
])('a file is fetched again that came %s', async (_, fault) => {
  faulty('onnx/vision_model.onnx', fault)
  const { dir } = await pull()
  expect(sha256(await readFile(path.join(dir, 'onnx/vision_model.onnx')))).toBe(sha256(VISION))
})

test('the token goes to the hub, and never to where it redirects', async () => {
  hub.repos.set('me/gated', { ...transformersJs(), gated: true })
  await pull({ name: 'me/gated', env: { HF_TOKEN: 'hf_good' } })
  const sent = (host: string) =>
    new Set(hub.requests.filter((each) => each.host === host).map(({ headers }) => headers.authorization))
  expect(sent('hub')).toEqual(new Set(['Bearer hf_good']))
  expect(sent('cdn')).toEqual(new Set([undefined]))
})

test('a proxy is used for the hub and for where it redirects, but not for hosts that NO_PROXY names', async () => {
  const proxy = await startHttpProxy()
  onTestFinished(() => proxy.close())
  await pull({ env: { HTTP_PROXY: proxy.url } })
  expect(new Set(proxy.tunnels).size).toBe(2)
  expect(proxy.tunnels).toContain(new URL(hub.endpoint).host)
  proxy.tunnels.length = 0
  await removeModel(modelsDir, 'me--clip')
  await pull({ env: { HTTP_PROXY: proxy.url, NO_PROXY: '127.0.0.1' } })
  expect(proxy.tunnels).toEqual([])
})

test('a mirror that lists names only is enough', async () => {
  hub.namesOnly = true
  faulty('onnx/vision_model.onnx', { kind: 'end', after: 1000 })
  const { manifest } = await pull()
  expect(manifest.files).toContainEqual({ path: 'onnx/vision_model.onnx', sha256: sha256(VISION), size: VISION.length })
})

test('two pulls at once fetch each file once', async () => {
  const waits: string[] = []
  const both = await Promise.all([pull({ onWait: () => waits.push('') }), pull({ onWait: () => waits.push('') })])
  expect(both.map(({ fetched }) => fetched).sort()).toEqual([false, true])
  expect(waits).toHaveLength(1)
  expect(hub.requestsFor('onnx/vision_model.onnx')).toHaveLength(1)
})

test('a pull whose process died is in nobody’s way', async () => {
  await pull()
  await removeModel(modelsDir, 'me--clip')
  await writeFile(path.join(modelsDir, '.pulling/me--clip.lock'), `${2 ** 22 + 1} ${hostname()} 0`)
  expect(await pull()).toMatchObject({ fetched: true })
})

test.skipIf(skipLoudly('models on a disk that is full', whyNoTmpfs()))(
  'a full disk is told of, and gone on with when there is room',
  async () => {
    const disk = mountTmpfs(2000)
    onTestFinished(() => disk.unmount())
    modelsDir = path.join(disk.dir, 'models')
    const ballast = path.join(disk.dir, 'ballast')
    writeFileSync(ballast, bytes(1_700_000, 3))
    await expect(pull()).rejects.toEqual(failed('storage-full', 'room for 0 MB', '2 MB are still to come'))
    expect(hub.requestsFor('onnx/text_model.onnx')).toEqual([])

    await rm(ballast)
    const fillUp = (there: number) => there > 250_000 && !existsSync(ballast) && writeFileSync(ballast, bytes(1_200_000, 3))
    await expect(pull({ onBytes: fillUp })).rejects.toEqual(
      failed('storage-full', 'no more room', 'what has come of a pull is kept'),
    )
    await rm(ballast)
    hub.requests.length = 0
    expect(await pull()).toMatchObject({ fetched: true })
    expect(hub.requestsFor('onnx/text_model.onnx')).toEqual([])
  },
)
