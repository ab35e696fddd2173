import { CommanderError } from 'commander'
import { AppError } from '../core/domain/errors.ts'
import { createProgram } from './create-program.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { warn } from './warn.ts'

/** Runs one command line, without the program's name, and resolves to the exit code. What goes wrong is said on stderr. */
export async function runCli(args: string[], env: Record<string, string | undefined>): Promise<ExitCode> {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  let code: ExitCode = EXIT.ok
  const program = createProgram(env, (ended) => {
    code = ended
  })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    return failureOf(error)
  }
}

/** Who writes is told, and ends in order; nobody is left to tell. */
function ignoreClosedPipe(error: Error): void {
  if (!isClosedPipe(error)) throw error
}

function isClosedPipe(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EPIPE'
}

/** commander has already printed what it throws. A stack is only for errors that nobody foresaw. */
function failureOf(error: unknown): ExitCode {
  if (isClosedPipe(error)) return EXIT.closedPipe
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.failed
  const foreseen = error instanceof AppError || (error instanceof Error && 'syscall' in error)
  warn(`pixwarden: ${foreseen ? error.message : error instanceof Error ? error.stack : String(error)}`)
  return EXIT.failed
}
