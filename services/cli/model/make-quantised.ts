import { existsSync } from 'node:fs'
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../core/domain/errors.ts'
import { graphOf, type ModelFiles, pathsOf } from '../../core/domain/model-files.ts'
import { checked } from '../../core/infra/hub/download-file.ts'
import { readManifest, writeManifest } from '../../core/infra/hub/model-manifest.ts'
import { foldConstants } from '../../worker/clip/graph/fold-constants.ts'
import { parseOnnx, serialiseOnnx } from '../../worker/clip/graph/onnx-model.ts'
import { quantise } from '../../worker/clip/graph/quantise.ts'
import { listModelFiles } from '../../worker/clip/list-model-files.ts'
import type { Model } from '../../worker/clip/open-model.ts'
import { openVision } from '../../worker/clip/open-vision.ts'

const DTYPE = 'int8'
const CALIBRATION = 'calibration.json'

/**
 * Makes the folder `to`: the same model with its image side in int8. The text side stays as it is: prompts are embedded once and kept, so that it has nothing to
 * gain. Throws AppError `invalid-model` for a model whose image side has nothing to quantise.
 */
export async function makeQuantised(model: Model, to: string): Promise<void> {
  const files = await listModelFiles(model.dir)
  const vision = graphOf(files.layout, 'vision', DTYPE)
  const others = othersOf(model, files)
  for (const file of [vision, ...others]) await mkdir(path.dirname(path.join(to, file)), { recursive: true })
  await writeQuantised(model, path.join(to, vision))
  for (const file of others) await copyFile(path.join(model.dir, file), path.join(to, file))
  await describe(model, to, [vision, ...others])
}

/** Everything but the image side. */
function othersOf({ dir }: Model, files: ModelFiles): string[] {
  const calibration = existsSync(path.join(dir, CALIBRATION)) ? [CALIBRATION] : []
  return [...pathsOf(files).filter((file) => !file.startsWith(files.vision)), ...calibration]
}

async function writeQuantised(model: Model, to: string): Promise<void> {
  const work = `${to}.making`
  try {
    await mkdir(work)
    const folded = path.join(work, 'folded.onnx')
    await foldConstants(await editedGraph(model, path.join(work, 'graphs')), folded)
    const quantised = quantise(parseOnnx(await readFile(folded)))
    if (quantised.products === 0)
      throw new AppError(
        'invalid-model',
        `${model.visionFile} has nothing to quantise: no matrix product with weights of float32`,
      )
    await writeFile(to, serialiseOnnx(quantised.model), { flush: true })
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The graph that a worker would run. Edited later it would round otherwise, and not be recognised as the same. */
async function editedGraph(model: Model, graphDir: string): Promise<string> {
  const session = await openVision(model, { threads: 1, graphDir })
  await session.release()
  const kept = (await readdir(graphDir, { recursive: true })).find((file) => file.endsWith('.onnx'))
  return kept === undefined ? model.visionFile : path.join(graphDir, kept)
}

/** Of the same id, so that policies keep their thresholds. */
async function describe({ id, dir, revision }: Model, to: string, paths: string[]): Promise<void> {
  const original = await readManifest(dir)
  await writeManifest(to, {
    format: 1,
    id,
    repo: `${original?.repo ?? path.basename(dir)}, quantised here`,
    commit: revision,
    dtype: DTYPE,
    licence: original?.licence,
    settings: original?.settings ?? {},
    files: await Promise.all(paths.sort().map((file) => checked(path.join(to, file), { path: file }))),
  })
}
