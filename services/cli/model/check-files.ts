import path from 'node:path'
import { checked } from '../../core/infra/hub/download-file.ts'
import { readManifest } from '../../core/infra/hub/model-manifest.ts'
import { counted } from '../counted.ts'
import type { Check } from './check.ts'

/** Compares the files of a pulled model with its manifest, byte for byte; undefined for a folder that has none. Throws AppError `invalid-model`. */
export async function checkFiles(dir: string): Promise<Check | undefined> {
  const manifest = await readManifest(dir)
  if (!manifest) return undefined
  const wrong: string[] = []
  for (const file of manifest.files)
    await checked(path.join(dir, file.path), file).catch((error: Error) => wrong.push(`${file.path}: ${error.message}`))
  return {
    check: 'files',
    ok: wrong.length === 0,
    detail:
      wrong.length === 0
        ? `${counted(manifest.files.length, 'file')} of ${manifest.repo} at ${manifest.commit}`
        : wrong.join('; '),
  }
}
