import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRetryAfter } from '../../services/core/domain/retry-after.ts'
import { afterAttempt, PROBING_FROM_FAILURES, RETRY_SECONDS, retryPauseMs } from '../../services/core/domain/webhook-retry.ts'

const FRESH = { attempts: 0, failures: 0 }
const MIDDLE = 0.5
const outcome = (answer: Parameters<typeof afterAttempt>[0], before = FRESH) =>
  afterAttempt(answer, before, RETRY_SECONDS, MIDDLE)

describe('a delivery', () => {
  test('that fails is tried after 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, and then no more', () => {
    const pauses = Array.from({ length: 10 }, (_, attempts) => outcome({ status: 500 }, { attempts, failures: attempts }))
    expect(pauses.map((next) => next.kind === 'retry' && next.pauseMs / 1000)).toEqual([
      5,
      300,
      1800,
      7200,
      18_000,
      36_000,
      50_400,
      72_000,
      86_400,
      false,
    ])
    expect(pauses.at(-1)).toMatchObject({ kind: 'dead' })
  })

  test('waits a tenth more or less, so that what failed together comes apart', () => {
    expect([0, 0.5, 0.999].map((random) => retryPauseMs(2, RETRY_SECONDS, random))).toEqual([270_000, 300_000, 329_940])
  })

  test('is done with any 2xx, and with nothing else', () => {
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 599 }), (status) => {
        expect(outcome({ status }).kind === 'delivered').toBe(status >= 200 && status < 300)
      }),
    )
    expect(outcome({})).toMatchObject({ kind: 'retry', pauseMs: 5000 })
  })

  test.each([429, 503])('that is answered %i waits as long as it is asked to, and no less than its schedule says', (status) => {
    expect(outcome({ status, retryAfterMs: 60_000 })).toEqual({ kind: 'retry', pauseMs: 60_000, endpointPauseMs: 60_000 })
    expect(outcome({ status, retryAfterMs: 1000 })).toEqual({ kind: 'retry', pauseMs: 5000, endpointPauseMs: 1000 })
  })

  test('that is answered otherwise follows its schedule, whatever else the answer says', () => {
    expect(outcome({ status: 500, retryAfterMs: 60_000 })).toEqual({ kind: 'retry', pauseMs: 5000, endpointPauseMs: 0 })
  })

  test('that is answered 410 ends its endpoint', () => {
    expect(outcome({ status: 410 })).toEqual({ kind: 'gone' })
  })
})

describe('an endpoint', () => {
  const pauseAfter = (failures: number, schedule = RETRY_SECONDS) => {
    const next = afterAttempt({ status: 500 }, { attempts: 0, failures: failures - 1 }, schedule, MIDDLE)
    return 'endpointPauseMs' in next ? next.endpointPauseMs / 1000 : undefined
  }

  test('that has failed a few times is not left alone', () => {
    for (let failures = 1; failures < PROBING_FROM_FAILURES; failures++) expect(pauseAfter(failures)).toBe(0)
  })

  test('that goes on failing is left alone for longer and longer, and for 5 minutes at most', () => {
    const pauses = [0, 1, 2, 5, 6, 1000].map((more) => pauseAfter(PROBING_FROM_FAILURES + more))
    expect(pauses).toEqual([5, 10, 20, 160, 300, 300])
  })

  test('is left alone by the pauses of its own schedule', () => {
    expect(pauseAfter(PROBING_FROM_FAILURES + 9, [0.1, 0.3])).toBe(0.3)
    expect(pauseAfter(PROBING_FROM_FAILURES + 9, [2])).toBe(2)
  })
})

describe('Retry-After', () => {
  const now = new Date('2026-03-01T12:00:00Z')
  test.each([
    ['120', 120_000],
    [' 0 ', 0],
    ['Sun, 01 Mar 2026 12:00:30 GMT', 30_000],
    ['Sun, 01 Mar 2026 11:00:00 GMT', 0],
    ['86400', 3_600_000],
    ['Tue, 03 Mar 2026 12:00:00 GMT', 3_600_000],
    ['9'.repeat(30), 3_600_000],
  ])('%j is understood, up to an hour', (header, ms) => {
    expect(parseRetryAfter(header, now)).toBe(ms)
  })

  test.each([undefined, '', '-5', '1.5', '5 s', 'soon', 'xx GMT'])('%j is not', (header) => {
    expect(parseRetryAfter(header, now)).toBeUndefined()
  })
})
