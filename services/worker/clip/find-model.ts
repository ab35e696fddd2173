import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../core/domain/errors.ts'
import { DTYPES, quantisedName } from '../../core/domain/model-files.ts'
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
  const missing = await howToHave(idOrFolder)
  if (missing !== undefined) throw new AppError('invalid-model', `the model ${idOrFolder} is not here yet: ${missing}`)
  const ids = (await Promise.all(homes.map(foldersIn))).flat()
  throw new AppError('invalid-model', `there is no model "${idOrFolder}": it is neither a folder nor one of ${ids.join(', ')}`)
}

/** `clip-vit-b32-q8` is the registry's model in another dtype, and `clip-vit-b32-quantised` one that is made here. */
async function howToHave(name: string): Promise<string | undefined> {
  const { models } = await readModelRegistry()
  for (const { kind, id } of models) {
    if (name === quantisedName(id)) return `npx pixwarden model quantise ${id}`
    const dtype = name === id ? 'fp32' : DTYPES.find((each) => name === `${id}-${each}`)
    if (kind === 'hub' && dtype !== undefined)
      return `npx pixwarden model pull ${id}${dtype === 'fp32' ? '' : ` --dtype ${dtype}`}`
  }
  return undefined
}

async function foldersIn(home: string): Promise<string[]> {
  const entries = await readdir(home, { withFileTypes: true }).catch(() => [])
  return entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name)
}
