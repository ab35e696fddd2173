import { z } from 'zod'
import { ACTIONS, MODES, SCORE_KINDS } from '../../core/domain/policy.ts'

const fraction = z.number().min(0).max(1)

const phrase = z.object({
  text: z.string(),
  cosine: z.number().describe('Of the phrase with the view, both as unit vectors.'),
  share: fraction.describe(
    'Under `softmax` its part of the softmax: the concepts’ sum is the score. Under `sigmoid` its own sigmoid: the largest concept’s is the score. `cosine` and `margin` share nothing out: there it is the softmax over concepts and contrasts, only to compare them.',
  ),
})

const heatMap = z.object({
  columns: z.int(),
  rows: z.int(),
  values: z
    .array(z.number())
    .describe(
      'Row by row, how much of the evidence lies there: the mean of how much it falls when windows around that place are hidden, and rises when they alone are shown; below 0 where they speak against the rule. Evidence is the score under `cosine` and `margin`, the log-odds of the score under `softmax` and `sigmoid`, for a probability near 1 hardly falls.',
    ),
  box: z
    .object({ left: fraction, top: fraction, width: fraction, height: fraction })
    .describe('The part of the picture as it is shown that the map covers, in fractions: the model sees no more.'),
})

const rule = z.object({
  id: z.string(),
  kind: z.enum(SCORE_KINDS),
  score: z.number().optional(),
  threshold: z.number().optional().describe('The threshold that was reached, else the lowest that was not.'),
  matched: z.boolean(),
  view: z.string().optional().describe('The view of the image that scored highest, which all of this is about.'),
  error: z.string().optional().describe('Why the rule could not be scored; there are no phrases then.'),
  concepts: z.array(phrase),
  contrasts: z.array(phrase),
  background: z.object({ cosine: z.number(), share: fraction }).optional(),
  heat_map: heatMap.optional().describe('Absent when the image is gone, and for a later frame of an animation.'),
})

export const explanationSchema = z
  .object({
    upload_id: z.uuid(),
    model: z.object({ id: z.string(), revision: z.string() }),
    method: z.literal('occlusion'),
    computed_at: z.iso.datetime(),
    as_decided: z
      .boolean()
      .describe(
        'Whether this model and these versions of the policies are those that decided; policies are explained as they are now.',
      ),
    policies: z.array(
      z.object({
        id: z.string(),
        version: z.string(),
        mode: z.enum(MODES),
        action: z.enum(ACTIONS),
        rules: z.array(rule),
      }),
    ),
  })
  .meta({ id: 'Explanation' })
