import { mkdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../../core/domain/errors.ts'
import type { LoadedPolicy } from '../../core/domain/policy.ts'
import type { Config } from '../../core/infra/config.ts'
import { silentLogger } from '../../core/infra/logger.ts'
import { loadPolicies } from '../../core/infra/policy-loader.ts'
import { type Model, openModel } from '../../worker/clip/open-model.ts'
import { createJudge, type Judge } from '../../worker/judge.ts'
import { findFiles } from '../scan/find-files.ts'
import { isImage } from '../scan/is-image.ts'
import type { Check } from './check.ts'
import { checkAgreement } from './check-agreement.ts'
import { type Agreement, compareDecisions } from './compare-decisions.ts'
import { timesAsFast } from './compare-speed.ts'
import { writeTrialPictures } from './trial-pictures.ts'

export type Trial = { checks: Check[]; agreement: Agreement; timesAsFast: number }

/** Where the pictures are: those of a folder, else ones made here. */
export type TrialOptions = Config & { images?: string | undefined }

/** Compares the model in `dir` with its original, by the policies in force. What it needs for that lies beside `dir` meanwhile. Throws AppError `invalid-config`, `invalid-model`, `invalid-policy` or `model-failed`. */
export async function tryQuantised(original: Model, dir: string, { images, ...config }: TrialOptions): Promise<Trial> {
  const quantised = await openModel(dir)
  const { policies } = await loadPolicies(config.policiesDir, { modelId: original.id })
  const home = `${dir}.trial`
  try {
    await mkdir(home)
    const graphDir = path.join(home, 'graphs')
    const files = images === undefined ? await writeTrialPictures(home) : await imagesIn(images, config)
    const judges = [original, quantised].map((model) => createJudge({ ...config, model, graphDir, log: silentLogger() }))
    const agreement = await compare(judges as [Judge, Judge], policies, files, config.maxBatch)
    return { checks: checkAgreement(agreement), agreement, timesAsFast: await timesAsFast(original, quantised, graphDir) }
  } finally {
    await rm(home, { recursive: true, force: true })
  }
}

async function imagesIn(folder: string, { avif }: Config): Promise<string[]> {
  const files: string[] = []
  for await (const found of findFiles([folder])) {
    if (found.kind === 'file' && (await isImage(found.file, { avif }))) files.push(found.file)
    if (found.kind === 'unreadable') throw new AppError('invalid-config', `${found.file} cannot be read: ${found.message}`)
  }
  if (files.length === 0) throw new AppError('invalid-config', `${folder} holds no images`)
  return files
}

/** In batches, as a worker does: of what is quantised as it comes the largest value of a batch sets the steps for all. */
async function compare(judges: [Judge, Judge], policies: LoadedPolicy[], files: string[], maxBatch: number): Promise<Agreement> {
  try {
    for (const judge of judges) await Promise.all([judge.ready(), judge.usePolicies(policies)])
    return await compareDecisions(files, ...judges, maxBatch)
  } finally {
    for (const judge of judges) await judge.close()
  }
}
