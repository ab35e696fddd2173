import { z } from 'zod'

const id = z.string().regex(/^[a-z0-9][a-z0-9.-]*$/, 'lower-case letters, digits, dots and dashes are needed')
const hex = (length: number) => z.string().regex(new RegExp(`^[0-9a-f]{${length}}$`), `${length} hexadecimal digits are needed`)
const pixels = z.int().positive()

/** What a model needs to be told beyond its files: values of its weights that exports leave out, and how its prompts are written. */
export const modelSettings = z.strictObject({
  /** Factor of the cosines, not its logarithm. */
  logit_scale: z.number().positive().optional(),
  logit_bias: z.number().optional(),
  /** `max-length` where training padded every prompt and the embedding depends on it. */
  padding: z.enum(['none', 'max-length']).optional(),
  lower_case: z.boolean().optional(),
})

/** Known of a file of the pinned commit; what is left out is what nobody could look up. */
const file = z.strictObject({ sha256: hex(64).optional(), size: z.int().positive().optional() })

const described = {
  id,
  title: z.string().min(1),
  licence: z.string().min(1),
  embedding_size: pixels,
  image_size: pixels,
  /** Whether its folder says, by calibration.json, where thresholds can be set. */
  calibrated: z.boolean(),
}

const shipped = z.strictObject({ kind: z.literal('shipped'), ...described })

const onHub = z.strictObject({
  kind: z.literal('hub'),
  ...described,
  repo: z.string().regex(/^[\w.-]+\/[\w.-]+$/, 'owner/name is needed'),
  commit: z.union([hex(40), z.literal('unknown')], '40 hexadecimal digits or "unknown" are needed'),
  layout: z.enum(['transformers.js', 'immich']),
  settings: modelSettings.default({}),
  files: z.record(z.string(), file).default({}),
})

const registry = z
  .strictObject({ models: z.array(z.discriminatedUnion('kind', [shipped, onHub])) })
  .superRefine(({ models }, context) => {
    for (const [index, { id }] of models.entries())
      if (models.findIndex((other) => other.id === id) < index)
        context.addIssue({ code: 'custom', path: ['models', index, 'id'], message: `"${id}" is there twice` })
  })

export type ModelSettings = z.infer<typeof modelSettings>
export type HubModel = z.infer<typeof onHub>
export type RegisteredModel = z.infer<typeof registry>['models'][number]
export type ModelRegistry = { models: RegisteredModel[] }
export type RegistryProblem = { path: string; message: string }

/** Reads what models/registry.json holds. Every problem comes with its place, as `models[2].commit`. */
export function parseModelRegistry(
  document: unknown,
): { ok: true; registry: ModelRegistry } | { ok: false; problems: RegistryProblem[] } {
  const parsed = registry.safeParse(document)
  if (parsed.success) return { ok: true, registry: parsed.data }
  return { ok: false, problems: parsed.error.issues.map(({ path, message }) => ({ path: placeOf(path), message })) }
}

function placeOf(path: PropertyKey[]): string {
  return path.reduce<string>((place, step) => {
    if (typeof step === 'number') return `${place}[${step}]`
    const plain = /^[a-z_0-9]+$/i.test(String(step))
    return plain ? (place === '' ? String(step) : `${place}.${String(step)}`) : `${place}[${JSON.stringify(step)}]`
  }, '')
}
