import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Decision, UploadView } from '../core/domain/decision.ts'

/** What became of one file. `elapsedMs`: from the request to the answer. */
export type Submission = { file: string; elapsedMs: number } & Outcome
type Outcome = { decision: Decision } | { problem: string }

const WAIT_SECONDS = 30

/** Uploads every photo of a folder, one after another, and waits for each decision. */
export async function submitSamples({ dir, apiUrl, key }: { dir: string; apiUrl: string; key: string }): Promise<Submission[]> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.jpg')).sort()
  const submissions: Submission[] = []
  for (const file of files) submissions.push(await submit(path.join(dir, file), { apiUrl, key }))
  return submissions
}

async function submit(file: string, api: { apiUrl: string; key: string }): Promise<Submission> {
  const startedAt = performance.now()
  const outcome = await askFor(file, api).catch((error: Error) => ({ problem: `no answer: ${error.message}` }))
  return { file: path.basename(file), elapsedMs: performance.now() - startedAt, ...outcome }
}

async function askFor(file: string, { apiUrl, key }: { apiUrl: string; key: string }): Promise<Outcome> {
  const response = await fetch(`${apiUrl}/v1/uploads?wait=${WAIT_SECONDS}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'image/jpeg' },
    body: await readFile(file),
  })
  if (!response.ok) return { problem: `refused with ${response.status}: ${await response.text()}` }
  const upload = (await response.json()) as UploadView
  return upload.status === 'decided' ? { decision: upload } : { problem: `no decision within ${WAIT_SECONDS} s` }
}
