import { readFile } from 'node:fs/promises'
import path from 'node:path'
import type { z } from 'zod'
import { AppError } from '../../core/domain/errors.ts'

/** Reads one of a model's JSON files. Throws AppError `invalid-model` that names the file and every field that is wrong. */
export async function readModelJson<T>(dir: string, name: string, schema: z.ZodType<T>): Promise<T> {
  const file = path.join(dir, name)
  const parsed = schema.safeParse(parseJson(file, await readText(file)))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path: at, message }) => `${file}: ${[...at, message].join(': ')}`)
  throw new AppError('invalid-model', problems.join('\n'))
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (cause) {
    throw new AppError('invalid-model', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new AppError('invalid-model', `${file} is not JSON: ${(cause as Error).message}`, { cause })
  }
}
