import { sample } from '../support/service.ts'
import { numbered } from './pictures.ts'
import { type Plan, runFlood } from './run-flood.ts'
import type { Stage } from './stage.ts'
import { none, type Trial } from './trial.ts'

const PLAN: Plan = {
  uploads: 500,
  perSecond: 6,
  killWorkerEveryMs: 8000,
  redisKills: [0.2, 0.7],
  postgresKill: 0.45,
  apiStop: 0.9,
  mostExecutions: 1.2,
}

/** And what becomes of them when nothing fails. */
const PHOTOS = [
  { file: 'cat.jpg', action: 'flag' },
  { file: 'coffee.jpg', action: 'approve' },
] as const

export const embeddedFlood: Trial = {
  name: 'embedded-flood',
  when: 'full',
  what: 'the same with the embedded model, the policies that ship, and photos whose decisions are known',
  alone: true,
  async run(setting) {
    const photos = await Promise.all(PHOTOS.map(async ({ file }) => ({ file, bytes: await sample(file) })))
    return runFlood(
      {
        plan: { ...PLAN, uploads: setting.uploads ?? PLAN.uploads },
        model: 'embedded',
        picture: (index) => {
          const { file, bytes } = photos[index % photos.length] as (typeof photos)[number]
          return { bytes: numbered(bytes, index), externalId: file }
        },
        more: async (stage) => ({ goals: [none('photos decided otherwise than alone', await countOdd(stage))], figures: {} }),
      },
      setting,
    )
  },
}

async function countOdd({ database }: Stage): Promise<number> {
  const { rows } = await database.query(
    `SELECT count(*)::int AS odd FROM pixwarden.uploads JOIN json_to_recordset($1) AS known(file text, action text) ON file = external_id
     WHERE uploads.action <> known.action`,
    [JSON.stringify(PHOTOS)],
  )
  return (rows[0] as { odd: number }).odd
}
