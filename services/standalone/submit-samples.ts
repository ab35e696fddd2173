import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import type { Decision, UploadView } from '../core/domain/decision.ts'

/** What became of one file: its decision, or the problem in the API's words. `elapsedMs`: from the request to the answer. */
export type Submission = { file: string; elapsedMs: number } & ({ decision: Decision } | { problem: string })

const WAIT_SECONDS = 30

/** Uploads every photo of a folder, one after another, and waits for each decision. */
export async function submitSamples({ dir, apiUrl, key }: { dir: string; apiUrl: string; key: string }): Promise<Submission[]> {
  const files = (await readdir(dir)).filter((name) => name.endsWith('.jpg')).sort()
  const submissions: Submission[] = []
  for (const file of files) submissions.push(await submit(path.join(dir, file), { apiUrl, key }))
  return submissions
}

async function submit(file: string, { apiUrl, key }: { apiUrl: string; key: string }): Promise<Submission> {
  const startedAt = performance.now()
  const response = await fetch(`${apiUrl}/v1/uploads?wait=${WAIT_SECONDS}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'image/jpeg' },
    body: await readFile(file),
  })
  const answer = (await response.json()) as UploadView | { title: string; detail?: string }
  const common = { file: path.basename(file), elapsedMs: performance.now() - startedAt }
  if (!('status' in answer) || !response.ok)
    return { ...common, problem: `refused with ${response.status}: ${JSON.stringify(answer)}` }
  if (answer.status === 'pending') return { ...common, problem: `no decision within ${WAIT_SECONDS} s` }
  return { ...common, decision: answer }
}
