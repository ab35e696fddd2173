import { expect, test } from 'vitest'
import { rateLimitedLog } from '../../services/core/infra/rate-limited-log.ts'

function setup(perSecond: number) {
  const lines: [unknown, string | undefined][] = []
  const times: number[] = []
  let at = 0
  const log = rateLimitedLog(
    {
      error(fields: unknown, message?: string) {
        lines.push([fields, message])
        times.push(at)
      },
    },
    { perSecond, now: () => at },
  )
  return {
    lines,
    /** When each line was written, in ms. */
    times,
    flood: (errors: number, ms: number) => {
      for (let i = 0; i < errors; i++) {
        log(new Error('as told'), 'trouble')
        at += ms / errors
      }
    },
  }
}

test('a flood of errors becomes ten lines a second, and the next line says how many were left out', () => {
  const { lines, flood } = setup(10)
  flood(3000, 3000)
  expect(lines).toHaveLength(30)
  expect(lines[0]).toEqual([{ err: expect.any(Error) }, 'trouble'])
  expect(lines[10]).toEqual([{ err: expect.any(Error), leftOut: 990 }, 'trouble'])
})

test('errors that are few are all logged', () => {
  const { lines, flood } = setup(2)
  flood(10, 10_000)
  expect(lines).toEqual(Array.from({ length: 10 }, () => [{ err: expect.any(Error) }, 'trouble']))
})

test('no second has more lines than that, whenever it begins', () => {
  const { times, flood } = setup(10)
  flood(1, 900)
  flood(3000, 3000)
  const busiest = Math.max(...times.map((from) => times.filter((at) => at >= from && at < from + 1000).length))
  expect(busiest).toBe(10)
})
