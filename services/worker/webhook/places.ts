/** How much of each endpoint's is in hand, and whether more may wait for it. */
export type Places = {
  /** Endpoint id → deliveries in hand. */
  readonly taken: ReadonlyMap<string, number>
  /** Takes a place for each of these, which a claim has brought that knew of the places that were taken `before`. */
  take(endpointIds: string[], before: ReadonlyMap<string, number>): void
  /** Frees a place, and tells whether there may be something that waits for it. */
  free(endpointId: string): boolean
}

export function createPlaces(perEndpoint: number): Places {
  const taken = new Map<string, number>()
  /** Those of which the last claim brought as much as there was room for. */
  const wanting = new Set<string>()

  return {
    taken,
    take(endpointIds, before) {
      const brought = new Map<string, number>()
      for (const id of endpointIds) {
        brought.set(id, (brought.get(id) ?? 0) + 1)
        taken.set(id, (taken.get(id) ?? 0) + 1)
      }
      for (const id of new Set([...wanting, ...endpointIds])) {
        const room = perEndpoint - (before.get(id) ?? 0)
        if (room > 0 && (brought.get(id) ?? 0) < room) wanting.delete(id)
        else wanting.add(id)
      }
    },
    free(endpointId) {
      const left = (taken.get(endpointId) ?? 1) - 1
      if (left > 0) taken.set(endpointId, left)
      else taken.delete(endpointId)
      return wanting.has(endpointId)
    },
  }
}
