import { describe, expect, test } from 'vitest'
import { byteText, clockText, relativeTime } from '../../services/api/dashboard/parts/format.ts'
import { dueBreak, putOff } from '../../services/api/dashboard/review/due-break.ts'
import { heatOf, strongestRegion } from '../../services/api/dashboard/review/heat.ts'
import { rejectionReasons } from '../../services/api/dashboard/review/reasons.ts'

const TEXTS = { undecodable: 'Not a picture', spam: 'Spam', other: 'Something else' }
const POLICIES = [
  { id: 'alcohol', title: 'Alcohol' },
  { id: 'weapons', title: 'Weapons' },
]

describe('the reasons to reject', () => {
  test('begin with what the machine found, which is the one that is meant', () => {
    expect(rejectionReasons({ reason_codes: ['weapons'] }, POLICIES, TEXTS)).toEqual([
      { code: 'weapons', text: 'Weapons', matched: true },
      { code: 'alcohol', text: 'Alcohol', matched: false },
      { code: 'spam', text: 'Spam', matched: false },
      { code: 'other', text: 'Something else', matched: false },
    ])
  })

  test('have a text for what is no policy, and the code where there is none', () => {
    const [first, second] = rejectionReasons({ reason_codes: ['undecodable', 'gone-policy'] }, [], TEXTS)
    expect([first?.text, second?.text]).toEqual(['Not a picture', 'gone-policy'])
  })
})

describe('a break', () => {
  const limits = { breakMinutes: 45, breakPictures: 100 }
  test('is due after minutes or pictures, whichever comes first', () => {
    expect(dueBreak({ sinceBreakMs: 45 * 60_000 - 1, sinceBreakPictures: 99 }, limits)).toBeUndefined()
    expect(dueBreak({ sinceBreakMs: 45 * 60_000, sinceBreakPictures: 0 }, limits)).toBe('minutes')
    expect(dueBreak({ sinceBreakMs: 0, sinceBreakPictures: 100 }, limits)).toBe('pictures')
  })

  test('is never due where there is no limit', () => {
    expect(dueBreak({ sinceBreakMs: 1e9, sinceBreakPictures: 1e9 }, { breakMinutes: 0, breakPictures: 0 })).toBeUndefined()
  })

  test('that is put off is due again after five minutes or ten pictures', () => {
    expect(putOff({ sinceBreakMs: 50 * 60_000, sinceBreakPictures: 130 }, limits)).toEqual({
      sinceBreakMs: 40 * 60_000,
      sinceBreakPictures: 90,
    })
    expect(putOff({ sinceBreakMs: 7, sinceBreakPictures: 130 }, { breakMinutes: 0, breakPictures: 5 })).toEqual({
      sinceBreakMs: 7,
      sinceBreakPictures: 0,
    })
  })
})

describe('a heat map', () => {
  const box = { left: 0, top: 0, width: 1, height: 1 }

  test('tells places apart, however much of the evidence all of them have', () => {
    expect(heatOf({ columns: 2, rows: 2, values: [6, 7, 8, 6.5], box })).toEqual([0, 0.5, 1, 0.25])
    expect(heatOf({ columns: 2, rows: 1, values: [-3, 2], box })).toEqual([0, 1])
  })

  test('shows nothing when everything speaks against the match, or everything alike', () => {
    expect(heatOf({ columns: 2, rows: 1, values: [-3, -2], box })).toEqual([0, 0])
    expect(heatOf({ columns: 2, rows: 1, values: [8, 8.1], box })).toEqual([0, 0])
    expect(strongestRegion({ columns: 2, rows: 1, values: [8, 8.1], box })).toBeUndefined()
  })

  test('says in words where the most of it is, in the picture and not in the part that the model saw', () => {
    const values = [0, 0, 0, 0, 0, 0, 0, 0, 5]
    expect(strongestRegion({ columns: 3, rows: 3, values, box })).toEqual({ row: 'bottom', column: 'right' })
    const middle = { left: 0.25, top: 0, width: 0.4, height: 1 }
    expect(strongestRegion({ columns: 3, rows: 3, values, box: middle })).toEqual({ row: 'bottom', column: 'centre' })
  })
})

test('times are told as people say them', () => {
  expect(relativeTime(0, 185_000)).toBe('3 min. ago')
  expect(relativeTime(0, 400)).toBe('now')
  expect(clockText(65_000)).toBe('1:05')
  expect(clockText(3_727_000)).toBe('1:02:07')
  expect(byteText(41_200)).toBe('41 kB')
})
