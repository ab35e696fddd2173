import { readdir } from 'node:fs/promises'
import path from 'node:path'
import type { RegisteredModel } from '../../core/domain/model-registry.ts'
import { type ModelManifest, readManifest } from '../../core/infra/hub/model-manifest.ts'
import { readModelRegistry } from '../../core/infra/hub/model-registry-file.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { type Env, readSettings } from '../settings.ts'
import { textTable } from '../text-table.ts'
import { writeOutput } from '../write-output.ts'

/** A folder in the folder of models; without a manifest somebody made it by hand, or it is broken. */
type Present = { folder: string; manifest?: ModelManifest | undefined }

/** Prints the models of the registry and the folder of models. Throws AppError `invalid-config` or `invalid-model`. */
export async function listModels({ json }: { json?: boolean }, env: Env): Promise<ExitCode> {
  const { modelsDir } = readSettings(env, {})
  const { models } = await readModelRegistry()
  const present = await presentModels(modelsDir)
  await writeOutput(json ? `${JSON.stringify(asJson(models, present, modelsDir), undefined, 2)}\n` : asTable(models, present))
  return EXIT.ok
}

async function presentModels(modelsDir: string): Promise<Present[]> {
  const entries = await readdir(modelsDir, { withFileTypes: true }).catch(() => [])
  const folders = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
  return Promise.all(
    folders.sort().map(async (folder) => ({
      folder,
      manifest: await readManifest(path.join(modelsDir, folder)).catch(() => undefined),
    })),
  )
}

function placesOf(model: RegisteredModel, present: Present[]): string[] {
  const shipped = model.kind === 'shipped' ? ['part of the package'] : []
  const here = present.filter(({ manifest }) => manifest?.id === model.id).map(({ folder }) => folder)
  return [...shipped, ...here]
}

function isOther(models: RegisteredModel[], { manifest }: Present): boolean {
  return !models.some(({ id }) => id === manifest?.id)
}

function asTable(models: RegisteredModel[], present: Present[]): string {
  const known = models.map((model) => [
    model.id,
    model.title,
    String(model.embedding_size),
    `${model.image_size} px`,
    model.calibrated ? 'yes' : 'no',
    model.licence,
    placesOf(model, present).join(', ') || '-',
  ])
  const others = present
    .filter((each) => isOther(models, each))
    .map(({ folder, manifest }) => [
      manifest?.id ?? folder,
      manifest?.repo ?? 'a folder of yours',
      '',
      '',
      '',
      manifest?.licence ?? '?',
      folder,
    ])
  return textTable(['ID', 'MODEL', 'DIM', 'IMAGE', 'CALIBRATED', 'LICENCE', 'HERE'], [...known, ...others])
}

function asJson(models: RegisteredModel[], present: Present[], modelsDir: string): object {
  const here = ({ folder, manifest }: Present) => ({
    folder: path.join(modelsDir, folder),
    ...(manifest && { id: manifest.id, repo: manifest.repo, commit: manifest.commit, dtype: manifest.dtype }),
  })
  return { models_dir: modelsDir, models, here: present.map(here) }
}
