import os from 'node:os'
import type { AuditActor } from '../core/domain/audit.ts'

/** Who runs this command, for the audit log: the user of the operating system, at the machine's name. */
export function cliActor(): AuditActor {
  return { kind: 'cli', id: userName(), name: os.hostname() }
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return os.userInfo().username
  } catch {
    return `uid ${process.getuid?.()}`
  }
}
