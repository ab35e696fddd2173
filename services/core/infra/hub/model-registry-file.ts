import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../domain/errors.ts'
import { type ModelRegistry, parseModelRegistry } from '../../domain/model-registry.ts'
import { packageRoot } from '../package-root.ts'

const REGISTRY = path.join(packageRoot, 'models', 'registry.json')

/** Reads the models that are known by an id. Throws AppError `invalid-model` that names every field that is wrong. */
export async function readModelRegistry(file = REGISTRY): Promise<ModelRegistry> {
  const parsed = parseModelRegistry(parseJson(file, await readFile(file, 'utf8')))
  if (parsed.ok) return parsed.registry
  throw new AppError('invalid-model', parsed.problems.map(({ path: at, message }) => `${file}: ${at}: ${message}`).join('\n'))
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('invalid-model', `${file} is not JSON: ${(cause as Error).message}`, { cause })
  }
}
