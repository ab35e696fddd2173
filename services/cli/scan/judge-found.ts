import { AppError } from '../../core/domain/errors.ts'
import type { Judge, Judgement } from '../../worker/judge.ts'
import { type Found, unreadable } from './find-files.ts'
import { isImage } from './is-image.ts'
import { type FailedFile, failedFile, type JudgedFile, judgedFile } from './scan-result.ts'

export type Finished = { kind: 'judged'; result: JudgedFile; judgement: Judgement } | { kind: 'failed'; result: FailedFile }
/** `skipped` is a file of a folder that is no image. */
export type Outcome = Finished | { kind: 'skipped' }

export type JudgeWith = { judge: Judge; model: { id: string; revision: string }; avif: boolean }

/** Judges what was found. Never rejects: what goes wrong with a file is its result. */
export async function judgeFound(found: Found, { judge, model, avif }: JudgeWith): Promise<Outcome> {
  const { file } = found
  if (found.kind === 'unreadable') return failed(file, found.code, found.message)
  try {
    if (!(await isImage(file, { avif })))
      return found.named ? failed(file, 'unsupported-media-type', 'not a JPEG, PNG, WebP or GIF image') : { kind: 'skipped' }
    const judgement = await judge.judge(file)
    return { kind: 'judged', result: judgedFile(file, judgement, model), judgement }
  } catch (error) {
    if (error instanceof AppError) return failed(file, error.code, error.message)
    const { code, message } = unreadable(file, error)
    return failed(file, code, message)
  }
}

function failed(...what: Parameters<typeof failedFile>): Outcome {
  return { kind: 'failed', result: failedFile(...what) }
}
