import { access, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { AppError } from '../domain/errors.ts'
import type { LoadedPolicy, Problem } from '../domain/policy.ts'
import { type ReadPolicy, readPolicyText } from './read-policy-file.ts'

/** A set of policies that belong together. With any problem of severity `error` the set is not to be used. */
export type PolicySet = { policies: LoadedPolicy[]; problems: Problem[] }

/** Reads every `*.yaml` and `*.yml` of a folder, in the order of their names. Throws AppError `invalid-policy` when there is no such folder. */
export async function readPolicyDir(dir: string): Promise<PolicySet> {
  const names = await policyFiles(dir)
  const files = await Promise.all(names.map((name) => readPolicyFile(path.join(dir, name))))
  return {
    policies: files.flatMap(({ policy }) => (policy ? [policy] : [])),
    problems: [...files.flatMap(({ problems }) => problems), ...repeatedIds(files)],
  }
}

/** As `readPolicyDir`, and throws AppError `invalid-policy` that lists every error. */
export async function loadPolicies(dir: string): Promise<LoadedPolicy[]> {
  const { policies, problems } = await readPolicyDir(dir)
  const errors = problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    throw new AppError('invalid-policy', errors.map(formatProblem).join('\n'), { details: { problems: errors } })
  if (policies.length === 0) throw new AppError('invalid-policy', `${dir} holds no policies (*.yaml)`)
  return policies
}

/** `file:line:column: severity: message`, as compilers write it, so that editors find the place. */
export function formatProblem({ file, line, column, severity, message }: Problem): string {
  return `${file}:${line}:${column}: ${severity}: ${message}`
}

async function policyFiles(dir: string): Promise<string[]> {
  try {
    const names = await readdir(dir)
    return names.filter((name) => /\.ya?ml$/.test(name) && !name.startsWith('.')).sort()
  } catch (cause) {
    throw new AppError('invalid-policy', `the policies folder ${dir} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

async function readPolicyFile(file: string): Promise<ReadPolicy> {
  const read = readPolicyText(file, await readFile(file, 'utf8'))
  const missing = await Promise.all(
    (read.policy?.tests ?? []).map(({ image }) => isMissing(path.resolve(path.dirname(file), image))),
  )
  const problems = missing.flatMap((isMissing, index): Problem[] =>
    isMissing
      ? [
          {
            severity: 'error',
            file,
            ...read.locate(['tests', index, 'image']),
            message: `there is no image ${read.policy?.tests[index]?.image}`,
          },
        ]
      : [],
  )
  return { ...read, problems: [...read.problems, ...problems] }
}

async function isMissing(file: string): Promise<boolean> {
  return access(file).then(
    () => false,
    () => true,
  )
}

function repeatedIds(files: ReadPolicy[]): Problem[] {
  const first = new Map<string, string>()
  return files.flatMap(({ policy, locate }): Problem[] => {
    if (!policy) return []
    const other = first.get(policy.id)
    first.set(policy.id, other ?? policy.file)
    return other === undefined
      ? []
      : [
          {
            severity: 'error',
            file: policy.file,
            ...locate(['id']),
            message: `the policy id "${policy.id}" is already taken by ${other}`,
          },
        ]
  })
}
