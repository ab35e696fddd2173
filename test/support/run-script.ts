import { execFile } from 'node:child_process'
import { pathToFileURL } from 'node:url'

/** Where the compiled sources are. */
const root = pathToFileURL(`${import.meta.dirname}/../../`).href

export type Ended = { code: number; stdout: string; stderr: string }

/** Runs `code`, an ES module, as a process of its own, and waits for its end. It imports ours as `#services/….js`. */
export function runScript(code: string): Promise<Ended> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, ['--input-type=module', '--eval', code.replaceAll("'#", `'${root}`)], (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') reject(error)
      else resolve({ code: Number(error?.code ?? 0), stdout, stderr })
    })
  })
}
