import { describe, expect, test } from 'vitest'
import { createPlaces } from '../../services/worker/webhook/places.ts'

describe('whether more may wait, once a place is free', () => {
  /** Places of which 2 are an endpoint's, and a claim that knows what was taken before it. */
  function setup() {
    const places = createPlaces(2)
    const claim = (...brought: string[]) => places.take(brought, new Map(places.taken))
    return { places, claim }
  }

  test('it may when the last claim brought as much as there was room for', () => {
    const { places, claim } = setup()
    claim('a', 'a', 'b')
    expect([places.free('a'), places.free('a'), places.free('b')]).toEqual([true, true, false])
  })

  test('it may also for a place that was freed while that claim was on its way', () => {
    const { places, claim } = setup()
    claim('a', 'a')
    const before = new Map(places.taken)
    places.free('a')
    places.take([], before)
    expect(places.free('a')).toBe(true)
  })

  test('it may not when a claim found room left over', () => {
    const { places, claim } = setup()
    claim('a', 'a')
    places.free('a')
    claim()
    expect(places.free('a')).toBe(false)
  })

  test('places are counted endpoint by endpoint', () => {
    const { places, claim } = setup()
    claim('a', 'a', 'b')
    places.free('b')
    places.free('a')
    expect([...places.taken]).toEqual([['a', 1]])
  })
})
