import { execFile } from 'node:child_process'

/** The user that servers run as; undefined is our own. */
export type Account = { uid: number; gid: number } | undefined

/** `nobody` on every Linux and in every container, listed in /etc/passwd or not. */
const NOBODY = 65534

/** PostgreSQL refuses to run as root: then it runs as an ordinary user. */
export function serverAccount(): Account {
  return process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : undefined
}

/** Runs a command as `account` to its end, with an empty environment. `output` is both its streams, or why it did not start. */
export function runAs(account: Account, command: string, args: string[]): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    execFile(command, args, { ...account, cwd: '/', env: { LC_ALL: 'C' } }, (error, stdout, stderr) => {
      resolve({ ok: !error, output: stdout + stderr || (error?.message ?? '') })
    })
  })
}
