import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../core/domain/errors.ts'
import { readModelRegistry } from '../../core/infra/hub/model-registry-file.ts'
import { packageRoot } from '../../core/infra/package-root.ts'

const SHIPPED = path.join(packageRoot, 'models')

/**
 * The folder of a model. What is written like a path is one; a bare name is looked for among the pulled models, then among the shipped ones,
 * then in the working directory. Throws AppError `invalid-model` that says what there is, and what could be pulled.
 */
export async function findModel(idOrFolder: string, modelsDir?: string | undefined): Promise<string> {
  const isPath = /[/\\]/.test(idOrFolder) || idOrFolder.startsWith('.')
  const homes = isPath ? [] : [modelsDir, SHIPPED].filter((home) => home !== undefined)
  const candidates = [...homes.map((home) => path.join(home, idOrFolder)), path.resolve(idOrFolder)]
  const found = candidates.find((dir) => existsSync(dir))
  if (found !== undefined) return found
  const { models } = await readModelRegistry()
  if (models.some(({ kind, id }) => kind === 'hub' && (id === idOrFolder || idOrFolder.startsWith(`${id}-`))))
    throw new AppError(
      'invalid-model',
      `the model ${idOrFolder} is not here yet: npx pixwarden model pull ${pullArguments(idOrFolder, models)}`,
    )
  const ids = (await Promise.all(homes.map(foldersIn))).flat()
  throw new AppError('invalid-model', `there is no model "${idOrFolder}": it is neither a folder nor one of ${ids.join(', ')}`)
}

/** `clip-vit-b32-q8` is that model in another dtype. */
function pullArguments(name: string, models: { id: string }[]): string {
  const model = models.find(({ id }) => id === name) ?? models.find(({ id }) => name.startsWith(`${id}-`))
  return model === undefined || model.id === name ? name : `${model.id} --dtype ${name.slice(model.id.length + 1)}`
}

async function foldersIn(home: string): Promise<string[]> {
  const entries = await readdir(home, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
}
