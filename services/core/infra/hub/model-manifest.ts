import { readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { AppError } from '../../domain/errors.ts'
import { DTYPES } from '../../domain/model-files.ts'
import { modelSettings } from '../../domain/model-registry.ts'

export const MANIFEST = 'pixwarden-model.json'

const manifest = z.object({
  format: z.literal(1),
  /** By which policies and decisions call the model, whatever its dtype. */
  id: z.string().min(1),
  repo: z.string(),
  commit: z.string(),
  dtype: z.enum(DTYPES),
  licence: z.string().optional(),
  settings: modelSettings,
  files: z.array(z.object({ path: z.string(), sha256: z.string().regex(/^[0-9a-f]{64}$/), size: z.int().nonnegative() })),
})

/** What a pulled model is, written beside its files. The same pull writes the same bytes. */
export type ModelManifest = z.infer<typeof manifest>

/** Undefined for a folder that was not pulled. Throws AppError `invalid-model` for a manifest that cannot be read. */
export async function readManifest(dir: string): Promise<ModelManifest | undefined> {
  const file = path.join(dir, MANIFEST)
  const text = await readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === 'ENOENT' || cause.code === 'ENOTDIR') return undefined
    throw new AppError('invalid-model', `${file} cannot be read: ${cause.message}`, { cause })
  })
  if (text === undefined) return undefined
  const parsed = manifest.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path: at, message }) => `${file}: ${[...at, message].join(': ')}`)
  throw new AppError('invalid-model', problems.join('\n'))
}

export async function writeManifest(dir: string, content: ModelManifest): Promise<void> {
  await writeFile(path.join(dir, MANIFEST), `${JSON.stringify(content, undefined, 2)}\n`, { flush: true })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
