import { access, readdir, readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { thresholdsFor } from '../domain/compile-policy.ts'
import { AppError } from '../domain/errors.ts'
import type { Path } from '../domain/parse-policy.ts'
import { ANY_MODEL, type LoadedPolicy, type Problem } from '../domain/policy.ts'
import { type Position, type ReadPolicy, readPolicyText } from './read-policy-file.ts'

/** A set of policies that belong together. With any problem of severity `error` the set is not to be used. */
export type PolicySet = {
  policies: LoadedPolicy[]
  problems: Problem[]
  /** Where the value at a path of one of `policies` stands in its file. */
  locate: (policy: LoadedPolicy, at: Path) => Position
}

/** `modelId`: the model the policies will run on, whose thresholds are then checked too. */
export type ReadOptions = { modelId?: string | undefined }

type FileRead = ReadPolicy & { file: string; id: string | undefined }

/** What has to do with other files, of any document: a policy with mistakes of its own is checked for these too. */
const name = z.string().min(1).optional().catch(undefined)
const namesIn = z.object({ id: name, tests: z.array(z.object({ image: name }).catch({})).catch([]) }).catch({ tests: [] })

/** The shipped model, on which plain thresholds are taken to be measured. */
const EMBEDDED_MODEL = 'embedded'

/** Reads every `*.yaml` and `*.yml` of a folder, in the order of their names. Throws AppError `invalid-policy` when there is no such folder. */
export async function readPolicyDir(dir: string, options: ReadOptions = {}): Promise<PolicySet> {
  const names = await policyFiles(dir)
  const files = await Promise.all(names.map((name) => readPolicyFile(path.join(dir, name), options)))
  return {
    policies: files.flatMap(({ policy }) => (policy ? [policy] : [])),
    problems: [...files.flatMap(({ problems }) => problems), ...repeatedIds(files)],
    locate: (policy, at) => files.find((read) => read.policy === policy)?.locate(at) ?? { line: 1, column: 1 },
  }
}

/** As `readPolicyDir`, but throws AppError `invalid-policy` that lists every error; the problems that are left are warnings. */
export async function loadPolicies(dir: string, options: ReadOptions = {}): Promise<PolicySet> {
  const set = await readPolicyDir(dir, options)
  const errors = set.problems.filter(({ severity }) => severity === 'error')
  if (errors.length > 0)
    throw new AppError('invalid-policy', errors.map(formatProblem).join('\n'), { details: { problems: errors } })
  if (set.policies.length === 0) throw new AppError('invalid-policy', `${dir} holds no policies (*.yaml)`)
  return set
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

async function readPolicyFile(file: string, { modelId }: ReadOptions): Promise<FileRead> {
  const read = readPolicyText(file, await readFile(file, 'utf8'))
  const names = namesIn.parse(read.document)
  const found = [
    ...(await missingImages(file, names.tests)),
    ...(read.policy && modelId !== undefined ? thresholdProblems(read.policy, modelId) : []),
  ]
  const problems = found.map(({ at, ...problem }) => ({ file, ...read.locate(at), ...problem }))
  return { ...read, file, id: names.id, problems: [...read.problems, ...problems] }
}

type Found = Pick<Problem, 'severity' | 'message'> & { at: Path }

async function missingImages(file: string, tests: { image?: string | undefined }[]): Promise<Found[]> {
  const missing = await Promise.all(
    tests.map(async ({ image }) => image !== undefined && isMissing(path.resolve(path.dirname(file), image))),
  )
  return tests.flatMap(({ image }, index): Found[] =>
    missing[index] ? [{ severity: 'error', at: ['tests', index, 'image'], message: `there is no image ${image}` }] : [],
  )
}

function thresholdProblems(policy: LoadedPolicy, modelId: string): Found[] {
  return policy.rules.flatMap((rule, index): Found[] => {
    const at = ['rules', index, 'thresholds']
    if (!thresholdsFor(rule, modelId))
      return [
        { severity: 'error', at, message: `rule "${rule.id}" has no thresholds for the model "${modelId}", and no default` },
      ]
    if (ANY_MODEL in rule.thresholds && modelId !== EMBEDDED_MODEL)
      return [
        {
          severity: 'warning',
          at,
          message: `the thresholds of rule "${rule.id}" name no model: measure them again for "${modelId}" and write { ${modelId}: { flag: … } }`,
        },
      ]
    return []
  })
}

async function isMissing(file: string): Promise<boolean> {
  return access(file).then(
    () => false,
    () => true,
  )
}

function repeatedIds(files: FileRead[]): Problem[] {
  const first = new Map<string, string>()
  return files.flatMap(({ file, id, locate }): Problem[] => {
    if (id === undefined) return []
    const other = first.get(id)
    first.set(id, other ?? file)
    if (other === undefined) return []
    return [
      {
        severity: 'error',
        file,
        ...locate(['id']),
        message: `the policy id "${id}" is already taken by ${path.basename(other)}`,
      },
    ]
  })
}
