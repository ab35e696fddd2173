import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useMemo } from 'preact/hooks'
import { watchActivity } from '../review/activity.ts'
import type { Choice } from '../review/line-service.ts'
import { createPictures, type Pictures } from '../review/pictures.ts'
import { useShell } from '../shell.ts'
import { type Batch, createBatch, type Tile } from './batch.ts'

const RENEW_EVERY_MS = 60_000
const AWAY_MS = 600_000

export type BatchView = {
  batch: Batch
  tiles: Signal<Tile[]>
  loading: Signal<boolean>
  error: Signal<unknown>
  blurred: Pictures
  sharp: Pictures
  next(): Promise<void>
}

/** A batch for as long as the page is there, with its blurred pictures; sharp ones come one by one, as they are asked for. */
export function useBatch(choice: Choice): BatchView {
  const { api } = useShell()
  const tiles = useSignal<Tile[]>([])
  const loading = useSignal(true)
  const error = useSignal<unknown>(undefined)
  const key = JSON.stringify(choice)

  // Another choice is another batch.
  const view = useMemo<BatchView>(() => {
    const blurred = createPictures(api, ['blurred'])
    const sharp = createPictures(api, ['display'])
    const batch = createBatch(api, choice, (shown) => {
      tiles.value = shown
      blurred.keep(shown.map(({ review }) => review.upload.id))
    })
    const load = async () => {
      loading.value = true
      sharp.keep([])
      try {
        await batch.next()
        error.value = undefined
      } catch (reason) {
        error.value = reason
      }
      loading.value = false
    }
    let running: Promise<void> | undefined
    /** Asked for twice, it is done once. */
    const next = () => {
      running ??= load().finally(() => {
        running = undefined
      })
      return running
    }
    return { batch, tiles, loading, error, blurred, sharp, next }
  }, [key])

  useEffect(() => {
    const activity = watchActivity()
    void view.next()
    const timer = setInterval(() => {
      if (activity.idleMs() < AWAY_MS) void view.batch.renew()
    }, RENEW_EVERY_MS)
    const { leave } = view.batch
    addEventListener('pagehide', leave)
    return () => {
      removeEventListener('pagehide', leave)
      clearInterval(timer)
      activity.stop()
      leave()
      view.blurred.keep([])
      view.sharp.keep([])
    }
  }, [view])
  return view
}
