import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { filesOf, layoutOf, pathsOf } from '../../services/core/domain/model-files.ts'
import { parseModelRegistry } from '../../services/core/domain/model-registry.ts'
import { readModelRegistry } from '../../services/core/infra/hub/model-registry-file.ts'
import { packageRoot } from '../../services/core/infra/package-root.ts'

const model = {
  kind: 'hub',
  id: 'clip',
  title: 'CLIP',
  repo: 'me/clip',
  commit: 'a'.repeat(40),
  layout: 'transformers.js',
  licence: 'MIT',
  embedding_size: 512,
  image_size: 224,
  calibrated: false,
}
const placesOf = (...models: object[]) => {
  const parsed = parseModelRegistry({ models })
  return parsed.ok ? [] : parsed.problems.map(({ path: place }) => place)
}

describe('the registry that is shipped', () => {
  test('pins every model to a commit, and names only files of its layout', async () => {
    const { models } = await readModelRegistry()
    for (const each of models.filter((known) => known.kind === 'hub')) {
      expect(each.commit, each.id).toMatch(/^[0-9a-f]{40}$/)
      expect(layoutOf(Object.keys(each.files)), each.id).toBe(each.layout)
      const dtypes = ['fp32', 'fp16', 'q8', 'int8'] as const
      const possible = dtypes.flatMap((dtype) => pathsOf(filesOf(each.layout, dtype)))
      expect(
        Object.keys(each.files).filter((name) => !possible.includes(name)),
        each.id,
      ).toEqual([])
    }
  })

  test('has scale and bias of every SigLIP model, which their files lack', async () => {
    const { models } = await readModelRegistry()
    const siglip = models.filter((each) => each.kind === 'hub').filter(({ id }) => id.startsWith('siglip'))
    expect(siglip.map(({ settings }) => settings)).toEqual([
      { logit_scale: 117.33079, logit_bias: -12.932437, padding: 'max-length' },
      { logit_scale: 112.66891, logit_bias: -16.771725, padding: 'max-length', lower_case: true },
    ])
  })

  test('says of the embedded model what its own files say', async () => {
    const { models } = await readModelRegistry()
    const config = JSON.parse(await readFile(path.join(packageRoot, 'models/embedded/config.json'), 'utf8'))
    expect(models.find(({ id }) => id === 'embedded')).toMatchObject({
      kind: 'shipped',
      embedding_size: config.projection_dim,
      image_size: config.vision_config.image_size,
    })
  })
})

describe('every problem of a registry comes with its place', () => {
  test.each([
    ['commit', { commit: 'main' }, 'models[1].commit'],
    ['repo', { repo: 'clip' }, 'models[1].repo'],
    ['layout', { layout: 'torch' }, 'models[1].layout'],
    ['licence', { licence: undefined }, 'models[1].licence'],
    ['setting', { settings: { logit_scale: -1 } }, 'models[1].settings.logit_scale'],
    ['digest', { files: { 'onnx/vision_model.onnx': { sha256: 'abc' } } }, 'models[1].files["onnx/vision_model.onnx"].sha256'],
    ['misspelt field', { files: { 'config.json': { sha: 'abc' } } }, 'models[1].files["config.json"]'],
    ['kind', { kind: 'ftp' }, 'models[1].kind'],
    ['id', { id: 'clip' }, 'models[1].id'],
  ])('%s', (_, fields, place) => {
    expect(placesOf(model, { ...model, id: 'other', ...fields })).toEqual([place])
  })

  test('several at once, and none where there are none', () => {
    expect(placesOf(model, { ...model, id: 'Clip', image_size: 0 })).toEqual(['models[1].id', 'models[1].image_size'])
    expect(placesOf(model, { ...model, id: 'other', commit: 'unknown' })).toEqual([])
  })
})
