import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { runCli, startCli } from '../support/cli.ts'
import { COMMIT, type FakeHub, startHub } from '../support/hub.ts'
import { copyTinyModel } from '../support/parity.ts'
import { skipLoudly } from '../support/skip-loudly.ts'
import { mountTmpfs, whyNoTmpfs } from '../support/tmpfs.ts'
import { waitFor } from '../support/wait-for.ts'

let home: string
let tiny: string
let files: Record<string, Buffer>
beforeAll(async () => {
  home = await mkdtemp(path.join(tmpdir(), 'pixwarden-cli-model-'))
  tiny = await copyTinyModel('tiny-clip', path.join(home, 'tiny'))
  files = {}
  for (const name of await readdir(tiny, { recursive: true }))
    if (/\.(json|onnx)$/.test(name)) files[name] = await readFile(path.join(tiny, name))
})
afterAll(() => rm(home, { recursive: true }))

let hub: FakeHub
let dir: string
beforeEach(async () => {
  hub = await startHub({ 'me/clip': { commit: COMMIT, files: { ...files } } })
  dir = await mkdtemp(path.join(home, 'run-'))
})
afterEach(() => hub.close())

const env = (more: Record<string, string> = {}) => ({
  HF_ENDPOINT: hub.endpoint,
  PIXWARDEN_MODELS_DIR: path.join(dir, 'models'),
  ...more,
})
const model = (...args: string[]) => runCli(['model', ...args], { cwd: dir, env: env() })
const checksOf = (stdout: string): Record<string, boolean> =>
  Object.fromEntries(JSON.parse(stdout).checks.map(({ check, ok }: { check: string; ok: boolean }) => [check, ok]))

describe('pixwarden model', () => {
  test('pull prints the folder, which is then a model for every command; list shows it; remove deletes it', async () => {
    const pulled = await model('pull', 'me/clip')
    expect(pulled).toMatchObject({ code: 0, stdout: `${path.join(dir, 'models/me--clip')}\n` })
    expect(pulled.stderr).toContain(`me/clip at ${COMMIT}, 4 MB`)
    expect(pulled.stderr).toContain('model verify me--clip')

    const { here } = JSON.parse((await model('list', '--json')).stdout)
    expect(here).toEqual([
      { folder: path.join(dir, 'models/me--clip'), id: 'me--clip', repo: 'me/clip', commit: COMMIT, dtype: 'fp32' },
    ])
    const { stdout } = await model('list')
    expect(stdout).toMatch(/^clip-vit-b32 .* 512 .* MIT +-$/m)
    expect(stdout).toMatch(/^embedded .* yes .* part of the package$/m)
    expect(stdout).toMatch(/^me--clip .* me--clip$/m)

    await writeFile(
      path.join(dir, 'p.yaml'),
      'id: p\ntitle: P\nmode: shadow\nrules:\n  - { id: r, concepts: [a cat], contrast: [a dog], thresholds: { flag: 0.5 } }\n',
    )
    const lint = await runCli(['policy', 'lint', dir, '--model', 'me--clip', '--json'], { cwd: dir, env: env() })
    expect(lint.stdout).toContain('write { me--clip: {')

    expect(await model('remove', 'me--clip')).toMatchObject({ code: 0, stderr: 'me--clip is deleted\n' })
    expect(await model('remove', 'me--clip')).toMatchObject({ code: 1 })
  })

  test('verify refuses a model that knows nothing of pictures, though its graphs run', async () => {
    await model('pull', 'me/clip')
    const { code, stdout } = await model('verify', 'me--clip', '--json')
    expect(code).toBe(1)
    const { 'photos find their captions': knows, 'different inputs differ': differ, ...others } = checksOf(stdout)
    expect(knows).toBe(false)
    expect(differ).toBeDefined()
    expect(Object.keys(others)).toEqual([
      'files',
      'vectors',
      'pictures',
      'repeatable',
      'pictures alone and in a batch',
      'texts alone and in a batch',
      'logit scale',
    ])
    expect(Object.values(others)).toEqual(Object.values(others).map(() => true))
  })

  test('verify finds a file that changed after the pull, and looks no further', async () => {
    await model('pull', 'me/clip')
    const graph = path.join(dir, 'models/me--clip/onnx/vision_model.onnx')
    const bytes = await readFile(graph)
    bytes[bytes.length - 100] = 1 + (bytes.at(-100) as number)
    await writeFile(graph, bytes)
    const { code, stdout } = await model('verify', 'me--clip')
    expect(code).toBe(1)
    expect(stdout).toMatch(/FAIL +files +onnx\/vision_model\.onnx: its SHA-256 is .*, not /)
    expect(stdout).toContain('to be refused')
    expect(stdout).not.toContain('vectors')
  })

  test.each([
    [
      'its scale for the logarithm of it',
      'config.json',
      { logit_scale: 4.6052 },
      'logit scale',
      /is that its logarithm\? exp is 100\.0/,
    ],
    ['another length of its vectors', 'config.json', { projection_dim: 64 }, 'runs', /image_embeds has 32 values/],
    ['no scale and bias, as a SigLIP', 'config.json', { model_type: 'siglip' }, 'settings', /logit_scale and logit_bias/],
  ])('verify refuses a model that gives %s', async (_, name, fields, check, detail) => {
    const broken = path.join(dir, 'broken')
    await cp(tiny, broken, { recursive: true })
    await writeFile(path.join(broken, name), JSON.stringify({ ...JSON.parse(String(files[name])), ...fields }))
    const { code, stdout } = await model('verify', broken, '--json')
    expect(code).toBe(1)
    expect(JSON.parse(stdout).checks).toContainEqual({ check, ok: false, detail: expect.stringMatching(detail) })
  })

  test('verify passes the embedded model, by its reference values and by what any model must do', async () => {
    const { code, stdout } = await model('verify', 'embedded', '--json')
    expect(JSON.parse(stdout).checks.filter(({ ok }: { ok: boolean }) => !ok)).toEqual([])
    expect(Object.keys(checksOf(stdout))).toEqual(
      expect.arrayContaining(['reference tokens', 'reference tensors', 'reference probabilities', 'photos find their captions']),
    )
    expect(code).toBe(0)
  })

  test('what cannot be done exits with 2 and says why', async () => {
    expect(await model('verify', 'nothing')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no model "nothing"'),
    })
    expect(await model('pull', 'nothing')).toMatchObject({ code: 2, stderr: expect.stringContaining('neither a repository') })
    expect(await model('pull', 'me/none')).toMatchObject({ code: 2, stderr: expect.stringContaining('no public model me/none') })
    expect(await model('pull', 'me/clip', '--dtype', 'fp12')).toMatchObject({ code: 2 })
    expect(await model('pull', 'embedded')).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing to pull') })
  })

  test('with HF_HUB_OFFLINE nothing is asked for, and what is here is found', async () => {
    const offline = () => runCli(['model', 'pull', 'me/clip'], { cwd: dir, env: env({ HF_HUB_OFFLINE: '1' }) })
    expect(await offline()).toMatchObject({ code: 2, stderr: expect.stringContaining('HF_HUB_OFFLINE') })
    expect(hub.requests).toEqual([])
    await model('pull', 'me/clip')
    hub.requests.length = 0
    expect(await offline()).toMatchObject({ code: 0, stderr: expect.stringContaining('here already') })
    expect(hub.requests).toEqual([])
  })

  test('Ctrl-C keeps what has come, and exits as shells expect', async () => {
    hub.faults = ({ host, path: asked }) =>
      host === 'cdn' && asked.endsWith('vision_model.onnx') ? { kind: 'stall', after: 300_000 } : undefined
    const child = startCli(['model', 'pull', 'me/clip'], { cwd: dir, env: env() })
    const stderr: Buffer[] = []
    child.stderr?.on('data', (chunk) => stderr.push(chunk))
    await waitFor(() => hub.requestsFor('onnx/vision_model.onnx').length > 0, { what: 'the graph to be asked for' })
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(String(Buffer.concat(stderr))).toContain('the same command goes on with it')
    hub.faults = () => undefined
    expect(await model('pull', 'me/clip')).toMatchObject({ code: 0 })
  })

  test.skipIf(skipLoudly('a folder of models that cannot be written', whyNoTmpfs()))(
    'a folder that cannot be written is named',
    async () => {
      const disk = mountTmpfs(64)
      onTestFinished(() => disk.unmount())
      execFileSync('mount', ['-o', 'remount,ro', disk.dir])
      const { code, stderr } = await runCli(['model', 'pull', 'me/clip'], {
        cwd: dir,
        env: env({ PIXWARDEN_MODELS_DIR: disk.dir }),
      })
      expect(code).toBe(2)
      expect(stderr).toBe(`pixwarden: ${disk.dir} cannot be written: set PIXWARDEN_MODELS_DIR to a folder that can\n`)
    },
  )
})
